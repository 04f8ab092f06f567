// ours_scrape.cpp -- the cost of scrapes without HTTP; `serve` makes a segment for those with HTTP.
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <new>
#include <stdexcept>

#include "aggregator/exposition/formats.h"
#include "aggregator/exposition/gzip.h"
#include "aggregator/exposition/text.h"
#include "aggregator/log.h"
#include "aggregator/scrape/scrape.h"
#include "libmetrics/format/file.h"
#include "libmetrics/reader/merge.h"
#include "tools/benchmark/catalogue.h"
#include "tools/benchmark/player.h"
#include "tools/benchmark/workload.h"

namespace {
std::atomic<std::uint64_t> allocations{0};
}
// Counts allocations and passes them on to malloc. Not inlined: g++ 12 warns where it inlines only
// one of a pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size); p != nullptr) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace metrics::bench {
namespace {

using exposition::Gzip;
using exposition::TextEncoder;
using reader::SegmentMerge;
using scrape::Scrape;

// Reads the fields of Workload from "workers=64,times=1,...".
Workload workload(const std::string& text) {
  Workload w;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t equals = text.find('=', at);
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string key = text.substr(at, equals - at);
    const std::size_t value = std::stoul(text.substr(equals + 1, end - equals - 1));
    if (key == "workers")
      w.workers = value;
    else if (key == "threads")
      w.threads = value;
    else if (key == "times")
      w.times = value;
    else if (key == "bounds")
      w.bounds = value;
    else if (key == "gauges")
      w.gauges = value;
    else if (key == "states")
      w.states = value;
    else if (key == "each")
      w.each = value;
    else if (key == "generations")
      w.generations = value;
    else if (key == "sparse")
      w.sparse = value != 0;
    else if (key == "native")
      w.native = value != 0;
    else
      throw std::runtime_error("no such field: " + key);
    at = end + 1;
  }
  return w;
}

struct Scraped {
  explicit Scraped(const std::string& argument)
      : crowd(workload(argument)), merge(crowd.file(), metrics::reader::Access::kMapped) {
    read();
  }
  void read() {
    if (!merge.read()) throw std::runtime_error(merge.why());
    encoder.replace(merge.families(), text);
  }
  Crowd crowd;
  SegmentMerge merge;
  TextEncoder encoder;
  std::string text;
};

std::shared_ptr<Scraped> scraped(const std::string& argument) {
  static std::map<std::string, std::shared_ptr<Scraped>> made;
  auto& entry = made[argument];
  if (entry == nullptr) entry = std::make_shared<Scraped>(argument);
  return entry;
}

template <class Work>
auto of_crowd(Work work) {
  return [work](const std::string& argument) {
    const auto s = scraped(argument);
    return timed([s, work](std::uint64_t count) {
      for (std::uint64_t i = 0; i < count; ++i) work(*s);
    });
  };
}

// Measures the encoding of what was read, in that format, once the encoder knows its shape.
auto encoded_in(const char* format) {
  return [format](const std::string& argument) {
    const auto s = scraped(argument);
    const auto encode =
        std::make_shared<exposition::Encode>(exposition::format_named(format)->make_encoder({}));
    const auto body = std::make_shared<std::string>();
    (*encode)(s->merge.families(), *body);
    return timed([s, encode, body](std::uint64_t count) {
      for (std::uint64_t i = 0; i < count; ++i) (*encode)(s->merge.families(), *body);
    });
  };
}

// Measures the compression of the exposition in that format.
auto packed_in(const char* format) {
  return [format](const std::string& argument) {
    const auto s = scraped(argument);
    const auto body = std::make_shared<std::string>();
    exposition::format_named(format)->make_encoder({})(s->merge.families(), *body);
    return timed([body, gzip = std::make_shared<Gzip>()](std::uint64_t count) {
      for (std::uint64_t i = 0; i < count; ++i) keep(gzip->compress(*body));
    });
  };
}

// Measures a scrape with none of its data in a cache, as after the fifteen seconds between two
// scrapes.
Measurement cold_scrape(const std::string& argument) {
  const auto s = scraped(argument);
  const auto other = std::make_shared<std::vector<std::uint64_t>>(std::size_t{64} << 17);
  return [s, other](std::uint64_t count) {
    double sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      for (std::uint64_t& word : *other) ++word;
      const double begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
      s->read();
      sum += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    }
    return sum;
  };
}

// Answers a figure that is not a time, as if each operation took that many nanoseconds.
template <class Figure>
auto figure(Figure of) {
  return [of](const std::string& argument) -> Measurement {
    const auto s = scraped(argument);
    return [s, of](std::uint64_t count) {
      return static_cast<double>(of(*s)) * static_cast<double>(count);
    };
  };
}

int serve(const std::string& argument) {
  const Crowd crowd(workload(argument));
  std::cout << crowd.path() << std::endl;
  std::string line;
  std::getline(std::cin, line);
  return 0;
}

}  // namespace
}  // namespace metrics::bench

int main(int argc, char** argv) {
  using namespace metrics::bench;
  metrics::aggregator::set_up_log("warn", metrics::aggregator::LogFormat::kLogfmt);
  if (argc == 3 && std::string(argv[1]) == "serve") return serve(argv[2]);
  const Parametric parametric = {
      {"scrape-*", of_crowd([](Scraped& s) { s.read(); })},
      {"cold-*", cold_scrape},
      {"merge-*", of_crowd([](Scraped& s) { s.merge.read(); })},
      {"copied-*",
       [](const std::string& argument) {
         const auto s = scraped(argument);
         const auto merge = std::make_shared<SegmentMerge>(s->crowd.file());
         return timed([s, merge](std::uint64_t count) {
           for (std::uint64_t i = 0; i < count; ++i) merge->read();
         });
       }},
      {"encode-*", of_crowd([](Scraped& s) { s.encoder.replace(s.merge.families(), s.text); })},
      {"in-text-*", encoded_in("text")},
      {"in-openmetrics-*", encoded_in("openmetrics")},
      {"in-protobuf-*", encoded_in("protobuf")},
      {"packed-text-*", packed_in("text")},
      {"packed-openmetrics-*", packed_in("openmetrics")},
      {"packed-protobuf-*", packed_in("protobuf")},
      {"gzip-*", of_crowd([](Scraped& s) {
         static Gzip gzip;
         s.read();
         keep(gzip.compress(s.text));
       })},
      {"whole-*",
       [](const std::string& argument) {
         const auto s = scraped(argument);
         const auto whole = std::make_shared<Scrape>(std::vector<std::string>{s->crowd.path()},
                                                     metrics::reader::Access::kMapped);
         return timed([s, whole](std::uint64_t count) {
           for (std::uint64_t i = 0; i < count; ++i) {
             keep(whole
                      ->exposition(metrics::exposition::formats().front(),
                                   metrics::scrape::Compression::kNone)
                      ->size());
           }
         });
       }},
      // The reader is new: everything is read, planned and printed for the first time.
      {"first-*",
       [](const std::string& argument) {
         const auto s = scraped(argument);
         return timed([s](std::uint64_t count) {
           for (std::uint64_t i = 0; i < count; ++i) {
             SegmentMerge merge(s->crowd.file(), metrics::reader::Access::kMapped);
             merge.read();
             std::string text;
             TextEncoder().encode(merge.families(), text);
           }
         });
       }},
      {"allocations-*", figure([](Scraped& s) {
         s.read();
         const std::uint64_t before = allocations.load();
         s.read();
         return allocations.load() - before;
       })},
      // By sample of the gauges that have one for each worker: the rest of the segment is left out.
      {"each-*",
       [](const std::string& argument) {
         const auto s = scraped("times=0," + argument);
         const Workload w = workload(argument);
         const auto samples = static_cast<double>(w.workers * w.each);
         return [s, samples, of = timed([s](std::uint64_t count) {
                               for (std::uint64_t i = 0; i < count; ++i) s->read();
                             })](std::uint64_t count) { return of(count) / samples; };
       }},
      {"text-bytes-*", figure([](Scraped& s) { return s.text.size(); })},
      {"segment-bytes-*", figure([](Scraped& s) {
         struct stat info {};
         ::stat(s.crowd.file().c_str(), &info);
         return metrics::format::space_taken(info);
       })},
  };
  return play(argc, argv, {}, parametric);
}
