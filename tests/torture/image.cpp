#include "tests/torture/image.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "metrics/metrics.hpp"
#include "tests/torture/processes.h"

namespace metrics::torture {

Image healthy_image(const std::string& path) {
  const auto status = run_child([&] {
    const Segment segment(path, {3, 3, 256, 16384});
    const Family<Counter> whole("whole", "Whole \"quoted\" \\ numbers.\nTwo lines.", {"key"},
                                {.segment = segment});
    const Family<Histogram> histogram("some_seconds", "Buckets.", {"key", "other"},
                                      {.bounds = {0.5, 1, 2.5}, .segment = segment});
    const Family<Summary> summary("a_summary", "", {}, {.segment = segment});
    const Family<Counter> traced("traced", "", {}, {.segment = segment, .exemplars = true});
    traced.inc(2, {{"trace_id", "x"}});
    info("build", "Facts.", {{"version", "1"}, {"commit", "x\"y"}}, segment);
    std::vector<metrics::Gauge> gauges;
    for (int mode = METRICS_ALL; mode <= METRICS_LIVEMOSTRECENT; ++mode) {
      gauges.push_back(Family<metrics::Gauge>("g" + std::to_string(mode), "", {},
                                              {.mode = static_cast<Mode>(mode), .segment = segment})
                           .labels());
    }
    const auto work = [&] {
      for (const char* key : {"a", "b", "\xc3\xa4"}) {
        whole.labels(key).inc(3);
        whole.labels(key).inc(0.5);
        histogram.labels(key, "x").observe(0.7);
        summary.labels().observe(2);
      }
      for (metrics::Gauge& gauge : gauges) gauge.set(7);
    };
    work();
    std::thread(work).join();
    if (!well(run_child(work))) throw std::runtime_error("a worker of the healthy segment failed");
    // Another release, with other buckets and labels, and a family that hides one of the first's.
    const auto other = [&] {
      Family<Histogram>("some_seconds", "Finer.", {"other"},
                        {.bounds = {0.25, 1}, .segment = segment})
          .labels("x")
          .observe(0.3);
      Family<metrics::Gauge>("a_summary", "", {}, {.mode = Mode::kMax, .segment = segment}).set(1);
      const Family<Histogram> native(
          "native_seconds", "By rule.", {},
          {.bounds = {0.7, 1},
           .segment = segment,
           .native = Native{.factor = 2, .min = 0.25, .max = 8, .negative = true}});
      for (const double value : {0.1, 0.6, 0.8, 3.0, 9.0, -3.0}) native.observe(value);
    };
    if (!well(run_child(other))) throw std::runtime_error("another release failed");
    whole.labels("removed").inc();
    Family<Counter>(whole).remove({"removed"});
    // At the end: inputs of tests/fuzz name records by their numbers.
    Family<StateSet>("phase", "", {},
                     {.states = {"idle", "busy", "x\"y"}, .mode = Mode::kAll, .segment = segment})
        .set("busy");
  });
  if (!well(status)) throw std::runtime_error("no healthy segment could be made");
  const std::string file = path + ".v2";
  Image image(std::filesystem::file_size(file));
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  const bool whole = ::read(fd, image.data(), image.size()) == static_cast<ssize_t>(image.size());
  ::close(fd);
  std::filesystem::remove(file);
  if (!whole) throw std::runtime_error("the healthy segment could not be copied");
  return image;
}

void write_image(const std::string& file, const Image& image) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool whole =
      fd >= 0 && ::write(fd, image.data(), image.size()) == static_cast<ssize_t>(image.size());
  ::close(fd);
  if (!whole) throw std::runtime_error("can't write " + file);
}

const format::Header& header(const Image& image) {
  return *reinterpret_cast<const format::Header*>(image.data());
}

format::Header& mutable_header(Image& image) {
  return *reinterpret_cast<format::Header*>(image.data());
}

void put(Image& image, std::size_t at, std::uint64_t value, std::size_t width) {
  if (at + width <= image.size()) std::memcpy(image.data() + at, &value, width);
}

}  // namespace metrics::torture
