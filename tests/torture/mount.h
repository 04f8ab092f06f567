// mount.h -- a file system in memory that only the calling process and its children see, to be
// filled up and mounted in every way.
#pragma once

#include <string>

namespace metrics::torture {

// It goes with the last process that sees it.
class Mount {
 public:
  // The exit code of a process that can't mount anything.
  static constexpr int kImpossible = 77;

  // Mounts it on that directory, with these options of tmpfs. Ends the process by
  // _exit(kImpossible) where this surrounding does not allow that.
  Mount(const std::string& directory, const std::string& options);
  std::string path(const std::string& name = "segment") const { return directory_ + '/' + name; }
  // Takes all the space that is left, in a file; empty() gives it back.
  void fill() const;
  void empty() const;

 private:
  std::string directory_;
};

}  // namespace metrics::torture
