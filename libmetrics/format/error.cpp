#include "libmetrics/format/error.h"

#include <cerrno>
#include <system_error>

namespace metrics::format {

std::string system_text(int error) { return std::generic_category().message(error); }

void fail(int error, const std::string& what) {
  metrics_status status = METRICS_SYSTEM;
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      status = METRICS_NO_SPACE;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      status = METRICS_NO_PERMISSION;
      break;
    case EOPNOTSUPP:
    case ENOLCK:
    case ENOSYS:
      status = METRICS_UNSUPPORTED;
      break;
    case ENAMETOOLONG:
      status = METRICS_INVALID;
      break;
    default:
      break;
  }
  throw Error(status, what + ": " + system_text(error));
}

void refuse(const std::string& what) { throw Error(METRICS_INVALID, what); }

}  // namespace metrics::format
