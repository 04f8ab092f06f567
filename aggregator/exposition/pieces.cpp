#include "aggregator/exposition/pieces.h"

#include <algorithm>
#include <utility>

#include "aggregator/exposition/exemplars.h"
#include "aggregator/exposition/names.h"
#include "libmetrics/reader/number_walk.h"

namespace metrics::exposition {
namespace {

// Not an ending: all samples of a series.
constexpr std::string_view kAll = "*";

// Returns a text that differs for runs whose series have other texts, though their labels are the
// same, or that have something else before them.
std::string key_of(const std::string& head, const reader::Family& family, std::string_view ending) {
  std::string key(format::to_string(family.type));
  for (const std::string_view part : {std::string_view(family.name), ending}) {
    key += std::to_string(part.size()) + ' ';
    key += part;
  }
  for (const double bound : family.bounds) {
    key.append(reinterpret_cast<const char*>(&bound), sizeof bound);
  }
  return key + head;
}

// Not memcpy(), which takes no null pointer, even for nothing.
char* copy(char* to, const char* from, std::size_t size) noexcept {
  return std::copy_n(from, size, to);
}

}  // namespace

// Learns the samples of a series that have this ending; all of them, if it is kAll.
void Pieces::learn_series(const reader::Family& family, const reader::Series& series,
                          std::string_view wanted, Run& run) {
  const std::size_t begin = run.text.size();
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
    append_series_name(run.text, family.name + std::string(ending), all);
    run.text += ' ';
    if (has_numbers) {
      run.piece_size.push_back(static_cast<std::uint32_t>(run.text.size() - run.last_piece));
      run.last_piece = run.text.size();
    } else {
      run.text += '1';
    }
    run.text += '\n';
  });
  if (spelling_.created && wanted == kAll) learn_created(family, series, run);
  run.sizes.push_back(static_cast<std::uint32_t>(run.text.size() - begin));
  run.tails.push_back(
      static_cast<std::uint32_t>(run.text.size() - std::max(begin, run.last_piece)));
  run.series.push_back(series.number);
}

void Pieces::learn_created(const reader::Family& family, const reader::Series& series, Run& run) {
  const std::uint64_t created_ns = created_ns_of(family, series);
  if (created_ns == 0) return;
  std::string labels;
  append_labels(labels, series.labels);
  append_series_name(run.text, family.name + std::string(format::kCreatedEnding), labels);
  run.text += ' ';
  append_seconds(run.text, created_ns);
  run.text += '\n';
}

// Copies the text of a series, which begins there in the run where it stood. The first of its
// pieces begins behind the number before it.
void Pieces::keep_series(const Run& former, std::size_t place, std::size_t text_at, Run& run) {
  const std::size_t pieces = former.piece_size.size() / former.series.size();
  const std::size_t size = former.sizes[place], begin = run.text.size();
  run.text.append(former.text, text_at, size);
  if (pieces > 0) {
    const auto* const sizes = former.piece_size.data() + place * pieces;
    std::size_t own = size - former.tails[place];  // of the first piece
    for (std::size_t i = 1; i < pieces; ++i) own -= sizes[i];
    run.piece_size.push_back(static_cast<std::uint32_t>(begin - run.last_piece + own));
    run.piece_size.insert(run.piece_size.end(), sizes + 1, sizes + pieces);
    run.last_piece = run.text.size() - former.tails[place];
  }
  run.sizes.push_back(former.sizes[place]);
  run.tails.push_back(former.tails[place]);
  run.series.push_back(former.series[place]);
}

// Learns series and what precedes them.
void Pieces::learn_run(std::string head, const reader::Family& family, const Numbers& numbers,
                       std::string_view ending, Runs& former_runs) {
  const bool exemplars = spelling_.exemplars && ending == kAll &&
                         std::ranges::any_of(family.series, &reader::Series::may_have_exemplars);
  const std::string key = key_of(head, family, ending);
  Run former;
  if (const auto there = former_runs.find(key); there != former_runs.end()) {
    former = std::move(there->second);
    former_runs.erase(there);
  }
  const auto& all = family.series;
  const bool is_longer = former.series.size() <= all.size() && !former.series.empty() &&
                         std::equal(former.series.begin(), former.series.end(), all.begin(),
                                    [](std::uint64_t number, const reader::Series& s) {
                                      return number != 0 && number == s.number;
                                    });
  Run run;
  std::size_t next = 0;
  if (is_longer) {
    next = former.series.size();
    run = std::exchange(former, {});
  } else {
    run.text = std::move(head);
    run.text.reserve(former.text.size());
    run.piece_size.reserve(former.piece_size.size());
    for (auto* words : {&run.sizes, &run.tails}) words->reserve(all.size());
    run.series.reserve(all.size());
  }
  run.numbers = numbers;
  run.positions = family.positions;
  run.numbers.positions = run.positions;
  run.bounds = exemplars ? family.bounds : std::vector<double>();
  run.exemplars = exemplars;
  reader::NumberWalk walk(former.series);
  std::size_t at = 0, text_at = former.text.size();
  for (const std::uint32_t size : former.sizes) text_at -= size;
  for (; next < all.size(); ++next) {
    const auto place = walk.find(all[next].number);
    if (!place) {
      learn_series(family, all[next], ending, run);
      continue;
    }
    while (at < *place) text_at += former.sizes[at++];
    keep_series(former, *place, text_at, run);
  }
  run.first_value.resize(all.size());
  run.exemplars_of.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    run.first_value[i] = all[i].first_value;
    run.exemplars_of[i] = all[i].exemplars;
  }
  text_size_ += run.text.size();
  number_count_ += run.piece_size.size();
  runs_.push_back(std::move(run));
  keys_.push_back(key);
}

// Learns a histogram, of these parts, as a family for each ending.
void Pieces::learn_divided(std::span<const reader::Family> parts, Runs& former) {
  for (const std::string_view ending : format::sample_endings(parts.front().type)) {
    std::string head;
    spelling_.unknown_head(head, parts.front(), ending);
    for (const reader::Family& part : parts) {
      learn_run(std::exchange(head, {}), part, numbers_of(part, ending), ending, former);
    }
  }
}

void Pieces::learn(const reader::Families& families) {
  Runs former;
  if (shape_ != 0) {
    for (std::size_t i = 0; i < runs_.size(); ++i) former.emplace(keys_[i], std::move(runs_[i]));
  }
  shape_ = 0;  // the text is not complete until the end of this function
  runs_.clear();
  keys_.clear();
  text_size_ = spelling_.end.size();
  number_count_ = 0;
  const auto other_names = escaped(families, spelling_.escaping, nullptr, &known_names_);
  reader::each_family(other_names ? *other_names : families,
                      [&](std::span<const reader::Family> parts) {
                        if (spelling_.unknown_head != nullptr &&
                            std::ranges::any_of(parts, &reader::reaches_below_zero)) {
                          learn_divided(parts, former);
                          return;
                        }
                        std::string head;
                        spelling_.head(head, parts.front());
                        for (const reader::Family& part : parts) {
                          learn_run(std::exchange(head, {}), part, numbers_of(part), kAll, former);
                        }
                      });
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

  std::size_t most = begin + text_size_ + number_count_ * kMaxNumberSize;
  if (spelling_.exemplars) {
    for (const auto& of_series : families.exemplars) most += of_series.size() * kMaxExemplarSize;
  }
  if (out.size() < most) out.resize(most);
  char* to = out.data() + begin;
  for (const Run& run : runs_) {
    const char* piece = run.text.data();
    const std::uint32_t* size = run.piece_size.data();
    const auto put = [&](auto number) {
      to = print(copy(to, piece, *size), number);
      piece += *size++;
    };
    const std::size_t* first_value = run.first_value.data();
    const std::uint32_t* of_series = run.exemplars_of.data();
    for (std::size_t i = 0; i < run.series.size(); ++i) {
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
    to = copy(to, piece, run.text.size() - run.last_piece);
  }
  to = copy(to, spelling_.end.data(), spelling_.end.size());
  out.resize(static_cast<std::size_t>(to - out.data()));
}

}  // namespace metrics::exposition
