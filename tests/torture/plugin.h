// plugin.h -- a library that counts, to be loaded and unloaded.
#pragma once

extern "C" {
// Joins the segment; true if it could be.
bool torture_plugin_open(const char* path);
void torture_plugin_count();
}
