#include "aggregator/scrape/scrape.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "aggregator/exposition/names.h"
#include "aggregator/log.h"
#include "libmetrics/format/escaping.h"
#include "libmetrics/format/types.h"

namespace metrics::scrape {
namespace {

// A scrape that takes as long is logged as slow. By default, Prometheus gives up after ten seconds.
constexpr std::chrono::seconds kSlow{1};

// Each keeps about as much as an exposition has. Servers of one kind ask for the same, and a client
// that asks for all that there is must not fill the memory.
constexpr std::size_t kKeptEncoders = 4;

// A forged segment can have any number of names.
constexpr std::size_t kMostLogged = 100;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Returns the families that have one of the names, or a sample with one, as it is or as it is
// written.
reader::Families chosen(const reader::Families& all, const std::vector<std::string>& names,
                        format::Escaping escaping) {
  reader::Families some;
  some.shape = reader::new_shape();
  some.values = all.values;
  some.exemplars = all.exemplars;
  for (const reader::Family& family : all.families) {
    auto samples = format::sample_names(family.type, family.name);
    for (std::size_t i = samples.size(); i > 0; --i) {
      samples.push_back(format::escaped(samples[i - 1], escaping, format::NameOf::kFamily));
    }
    if (std::find_first_of(samples.begin(), samples.end(), names.begin(), names.end()) !=
        samples.end()) {
      some.families.push_back(family);
    }
  }
  return some;
}

void log_duration(double seconds, std::size_t bytes, std::size_t segments) {
  const bool slow = seconds >= std::chrono::duration<double>(kSlow).count();
  (slow ? aggregator::log_warn : aggregator::log_debug)(slow ? "scrape was slow" : "scrape",
                                                        {{"seconds", std::to_string(seconds)},
                                                         {"bytes", std::to_string(bytes)},
                                                         {"segments", std::to_string(segments)}});
}

}  // namespace

Scrape::Scrape(std::vector<std::string> segments, reader::Access access, Owners owners,
               Expiry::Clock::duration expire_after)
    : segments_(std::move(segments), access, std::move(owners), Segments::kPatience, expire_after) {
}

Scrape::Seen Scrape::look() {
  Seen seen;
  rounds_.alone([&] {
    segments_.read();
    for (const SegmentState& state : segments_.states()) {
      ++(state.up ? seen.segments : seen.unreadable);
      if (state.up) seen.series += state.reader->catalogue()->contents.live_series();
    }
  });
  return seen;
}

void Scrape::describe_also(Describe more) {
  rounds_.alone([&] { own_.add(std::move(more)); });
}

void Scrape::leave_out_aggregator() {
  rounds_.alone([this] { own_.leave_out_aggregator(); });
}

void Scrape::use(reader::Threads threads) {
  rounds_.alone([&] {
    threads_ = threads;
    segments_.use(threads);
  });
}

exposition::Encode& Scrape::encoder_of(const exposition::Format& format,
                                       const exposition::Options& options) {
  const auto found = std::ranges::find_if(encoders_, [&](const Kept& kept) {
    return kept.make_encoder == format.make_encoder && kept.options == options;
  });
  if (found != encoders_.end()) {
    std::rotate(found, found + 1, encoders_.end());
  } else {
    if (encoders_.size() == kKeptEncoders) encoders_.erase(encoders_.begin());
    encoders_.push_back({format.make_encoder, options, format.make_encoder(options)});
  }
  return encoders_.back().encode;
}

std::shared_ptr<const std::string> Scrape::exposition(const exposition::Format& format,
                                                      Compression compression,
                                                      const std::vector<std::string>& names,
                                                      const exposition::Options& options) {
  std::string key = std::string(format.content_type) + exposition::spelled(options) +
                    (compression == Compression::kGzip ? "+" : "-");
  for (const std::string& name : names) key.append(name).append(1, '\n');
  return rounds_.share(key, [&] { return make(format, compression, names, options); });
}

Scrape::View Scrape::view(Exemplars exemplars, OwnMetrics::Purpose purpose) {
  const auto start = Clock::now();
  segments_.read(exemplars);
  // The aggregator's own families come first and their names are reserved: a segment's family with
  // such a name is left out, never the aggregator's.
  std::vector<Source> sources = segments_.sources();
  const reader::Families& own = own_.collect(segments_.states(), seconds_since(start), purpose);
  sources.insert(sources.begin(), {&own, "", true});
  const reader::Families& families = combine_(sources);
  if (combine_.left_out() != left_out_) {
    left_out_ = combine_.left_out();
    for (const std::string& what : left_out_) aggregator::log_warn(what);
  }
  return {families, own.families.size(), segments_.states()};
}

std::shared_ptr<const std::string> Scrape::answer(
    const std::string& key, Compression compression,
    const std::function<std::string(const View&)>& make, Exemplars exemplars) {
  // No content type, with which the keys of expositions begin, begins so.
  const std::string start = compression == Compression::kGzip ? "?gzip " : "? ";
  return rounds_.share(start + key, [&] {
    std::string body = make(view(exemplars, OwnMetrics::Purpose::kLook));
    if (compression == Compression::kGzip) body = gzip_.compress(body);
    return std::make_shared<const std::string>(std::move(body));
  });
}

std::shared_ptr<const std::string> Scrape::make(const exposition::Format& format,
                                                Compression compression,
                                                const std::vector<std::string>& names,
                                                exposition::Options options) {
  const auto start = Clock::now();
  options.threads = threads_;
  const auto [families, own, states] = view(
      format.has_exemplars ? Exemplars::kAll : Exemplars::kNone, OwnMetrics::Purpose::kExposition);
  if (std::uint64_t& shape = names_known_[options.escaping]; families.shape != shape) {
    shape = families.shape;
    std::vector<std::string> met;
    exposition::escaped(families, options.escaping, &met);
    for (const std::string& what : met) {
      if (logged_.size() < kMostLogged && logged_.insert(what).second) aggregator::log_warn(what);
    }
  }
  const std::shared_ptr<std::string> body = bodies_.next();
  if (names.empty()) {
    encoder_of(format, options)(families, *body);
  } else {
    format.make_encoder(options)(chosen(families, names, options.escaping), *body);
  }
  if (compression == Compression::kGzip) *body = gzip_.compress(*body);
  log_duration(seconds_since(start), body->size(), states.size());
  return body;
}

}  // namespace metrics::scrape
