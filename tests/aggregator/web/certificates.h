// certificates.h -- keys and certificates for tests, made when they are asked for.
#pragma once

#include <string>

namespace metrics::test {

struct Identity {
  std::string certificate, key;  // PEM
};

// Makes a certificate that signs itself, valid for an hour.
Identity self_signed(const std::string& common_name);

}  // namespace metrics::test
