// main.cpp -- a program with no purpose but its precompiled headers, which tests' programs take.
int main() {}
