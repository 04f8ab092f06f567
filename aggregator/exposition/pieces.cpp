#include "aggregator/exposition/pieces.h"

#include <algorithm>
#include <cstring>

#include "aggregator/exposition/exemplars.h"
#include "aggregator/exposition/names.h"

namespace metrics::exposition {
namespace {

// Not an ending: all samples of a series.
constexpr std::string_view kAll = "*";

char* copy(char* to, const char* from, std::size_t size) noexcept {
  std::memcpy(to, from, size);
  return to + size;
}

}  // namespace

// Learns the samples of a series that have this ending; all of them, if it is kAll.
void Pieces::learn_series(const reader::Family& family, const reader::Series& series,
                          std::string_view wanted) {
  std::string labels;
  append_labels(labels, series.labels);
  const bool has_numbers = format::values_of(family.type) != format::Values::kInfo;
  each_sample(family, [&](std::string_view ending, std::string_view bound) {
    if (wanted != kAll && ending != wanted) return;
    std::string all = labels;
    if (!bound.empty()) {
      all += labels.empty() ? "le=\"" : ",le=\"";
      all += bound;
      all += '"';
    }
    append_series_name(text_, family.name + std::string(ending), all);
    text_ += ' ';
    if (has_numbers) {
      piece_size_.push_back(static_cast<std::uint32_t>(text_.size() - last_piece_));
      last_piece_ = text_.size();
    } else {
      text_ += '1';
    }
    text_ += '\n';
  });
  if (spelling_.created && wanted == kAll) learn_created(family, series);
  first_value_.push_back(series.first_value);
  exemplars_.push_back(series.exemplars);
}

void Pieces::learn_created(const reader::Family& family, const reader::Series& series) {
  const std::uint64_t created_ns = created_ns_of(family, series);
  if (created_ns == 0) return;
  std::string labels;
  append_labels(labels, series.labels);
  append_series_name(text_, family.name + std::string(format::kCreatedEnding), labels);
  text_ += ' ';
  append_seconds(text_, created_ns);
  text_ += '\n';
}

void Pieces::learn_run(const reader::Family& family, const Numbers& numbers,
                       std::string_view ending) {
  const bool exemplars = spelling_.exemplars && ending == kAll &&
                         std::ranges::any_of(family.series, &reader::Series::may_have_exemplars);
  runs_.push_back({numbers, family.series.size(), family.positions,
                   exemplars ? family.bounds : std::vector<double>(), exemplars});
  runs_.back().numbers.positions = runs_.back().positions;
  for (const reader::Series& series : family.series) learn_series(family, series, ending);
}

// Learns a histogram, of these parts, as a family for each ending.
void Pieces::learn_divided(std::span<const reader::Family> parts) {
  for (const std::string_view ending : format::sample_endings(parts.front().type)) {
    spelling_.unknown_head(text_, parts.front(), ending);
    for (const reader::Family& part : parts) learn_run(part, numbers_of(part, ending), ending);
  }
}

void Pieces::learn(const reader::Families& families) {
  shape_ = 0;  // the text is not complete until the end of this function
  text_.clear();
  piece_size_.clear();
  runs_.clear();
  first_value_.clear();
  exemplars_.clear();
  last_piece_ = 0;
  const auto other_names = escaped(families, spelling_.escaping);
  reader::each_family(other_names ? *other_names : families,
                      [this](std::span<const reader::Family> parts) {
                        if (spelling_.unknown_head != nullptr &&
                            std::ranges::any_of(parts, &reader::reaches_below_zero)) {
                          learn_divided(parts);
                          return;
                        }
                        spelling_.head(text_, parts.front());
                        for (const reader::Family& part : parts)
                          learn_run(part, numbers_of(part), kAll);
                      });
  text_ += spelling_.end;
  shape_ = families.shape;
}

void Pieces::encode(const reader::Families& families, std::string& out) {
  encode_from(out.size(), families, out);
}

void Pieces::replace(const reader::Families& families, std::string& out) {
  encode_from(0, families, out);
}

void Pieces::encode_from(std::size_t begin, const reader::Families& families, std::string& out) {
  if (families.shape != shape_) learn(families);

  std::size_t most = begin + text_.size() + piece_size_.size() * kMaxNumberSize;
  if (spelling_.exemplars) {
    for (const auto& of_series : families.exemplars) most += of_series.size() * kMaxExemplarSize;
  }
  if (out.size() < most) out.resize(most);
  char* to = out.data() + begin;
  const char* piece = text_.data();
  const std::uint32_t* size = piece_size_.data();
  const auto put = [&](auto number) {
    to = print(copy(to, piece, *size), number);
    piece += *size++;
  };

  const std::size_t* first_value = first_value_.data();
  const std::uint32_t* of_series = exemplars_.data();
  for (const Run& run : runs_) {
    for (std::size_t i = 0; i < run.series; ++i) {
      const std::uint64_t* value = families.values.data() + *first_value++;
      const std::uint32_t exemplars = *of_series++;
      if (!run.exemplars || exemplars == reader::Series::kNone) {
        each_number(run.numbers, value, put);
        continue;
      }
      ExemplarWalk walk(families.exemplars[exemplars]);
      auto bound = run.bounds.begin();
      each_number(run.numbers, value, [&](auto number) {
        put(number);
        // None is left beside a histogram's count and sum.
        const auto* e = bound == run.bounds.end() ? walk.last() : walk.up_to(*bound++);
        if (e == nullptr) return;
        exemplar_.clear();
        append_exemplar(exemplar_, *e);
        to = copy(to, exemplar_.data(), exemplar_.size());
      });
    }
  }
  to = copy(to, piece, text_.size() - last_piece_);
  out.resize(static_cast<std::size_t>(to - out.data()));
}

}  // namespace metrics::exposition
