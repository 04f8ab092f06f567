#include "aggregator/web/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>

namespace metrics::web {
namespace {

// Makes the hash: the only slow part. Returns whether it is `hash`.
bool matches(const std::string& password, const std::string& hash) {
  // 32 KB, which would be a third of a civetweb thread's stack.
  const auto scratch = std::make_unique<crypt_data>();
  const char* const made = ::crypt_r(password.c_str(), hash.c_str(), scratch.get());
  const bool same = made != nullptr && std::strlen(made) == hash.size() &&
                    CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
  OPENSSL_cleanse(scratch.get(), sizeof(*scratch));
  return same;
}

}  // namespace

Passwords::Passwords() {
  if (RAND_bytes(secret_.data(), static_cast<int>(secret_.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random numbers");
  }
}

Passwords::Digest Passwords::digest(std::initializer_list<std::string_view> parts) const {
  std::string all(secret_.begin(), secret_.end());
  for (const std::string_view part : parts) {
    all += std::to_string(part.size()) + ':';
    all += part;
  }
  Digest made(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  const int done = EVP_Digest(all.data(), all.size(), reinterpret_cast<unsigned char*>(made.data()),
                              &size, EVP_sha256(), nullptr);
  OPENSSL_cleanse(all.data(), all.size());
  if (done != 1) throw std::bad_alloc();
  made.resize(size);
  return made;
}

// Returns the hash of one of the users, always the same one for this name: users' hashes may differ
// in their cost, so no cost of its own would look like a user's.
const std::string& Passwords::stand_in(const Users& users, const std::string& name) const {
  std::uint64_t number = 0;
  std::memcpy(&number, digest({name}).data(), sizeof(number));
  return std::next(users.begin(), static_cast<std::ptrdiff_t>(number % users.size()))->second;
}

Passwords::Answer Passwords::check(const Users& users, const std::string& name,
                                   const std::string& password) {
  if (users.empty()) return Answer::kWrong;
  const auto user = users.find(name);
  const bool exists = user != users.end();
  const std::string& hash = exists ? user->second : stand_in(users, name);
  const Digest asked = digest({name, hash, password});

  std::unique_lock lock(mutex_);
  if (right_.contains(asked)) return Answer::kRight;
  if (hashing_) {
    if (waiting_ >= kMostWaiting) return Answer::kBusy;
    ++waiting_;
    turn_.wait(lock, [this] { return !hashing_; });
    --waiting_;
    // Another request may have had the same credentials.
    if (right_.contains(asked)) {
      turn_.notify_one();
      return Answer::kRight;
    }
  }
  hashing_ = true;
  lock.unlock();
  bool right = false;
  try {
    // crypt() would end the password at such a byte.
    right = matches(password, hash) && exists && password.find('\0') == std::string::npos;
  } catch (const std::bad_alloc&) {  // wrong, then
  }
  lock.lock();
  hashing_ = false;
  turn_.notify_one();
  if (!right) return Answer::kWrong;
  if (right_.size() >= kMostRemembered) right_.clear();  // of configurations that are gone
  right_.insert(asked);
  return Answer::kRight;
}

}  // namespace metrics::web
