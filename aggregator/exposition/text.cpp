#include "aggregator/exposition/text.h"

#include <bit>
#include <cstring>

#include "aggregator/exposition/escape.h"
#include "aggregator/exposition/number.h"

namespace metrics::exposition {
namespace {

char* copy(char* to, const char* from, std::size_t size) noexcept {
  std::memcpy(to, from, size);
  return to + size;
}

std::string_view suffix_of(format::Type type) {
  switch (type) {
    case format::Type::kCounter:
      return "_total";
    case format::Type::kInfo:
      return "_info";
    case format::Type::kGauge:
    case format::Type::kHistogram:
    case format::Type::kSummary:
      break;
  }
  return "";
}

// As this format knows it: an info's TYPE line would make Prometheus refuse the whole exposition.
std::string_view name_of(format::Type type) {
  switch (type) {
    case format::Type::kCounter:
      return "counter";
    case format::Type::kGauge:
    case format::Type::kInfo:
      return "gauge";
    case format::Type::kHistogram:
      return "histogram";
    case format::Type::kSummary:
      return "summary";
  }
  return "untyped";
}

// `a="1",b="2"`, without the braces.
std::string render(const std::vector<reader::Label>& labels) {
  std::string text;
  for (const reader::Label& label : labels) {
    if (!text.empty()) text += ',';
    text += label.name;
    text += "=\"";
    append_escaped_label_value(text, label.value);
    text += '"';
  }
  return text;
}

}  // namespace

void TextEncoder::learn_line(std::string_view name, std::string_view suffix,
                             const std::string& labels) {
  text_ += name;
  text_ += suffix;
  if (!labels.empty()) {
    text_ += '{';
    text_ += labels;
    text_ += '}';
  }
  text_ += ' ';
}

void TextEncoder::learn_series(const reader::Family& family, const reader::Series& series) {
  const auto end_piece = [this] {
    piece_size_.push_back(static_cast<std::uint32_t>(text_.size() - last_piece_));
    last_piece_ = text_.size();
    text_ += '\n';
  };
  const std::string labels = render(series.labels);
  first_value_.push_back(series.first_value);
  switch (family.type) {
    case format::Type::kCounter:
    case format::Type::kGauge:
      learn_line(family.name, suffix_of(family.type), labels);
      end_piece();
      return;
    case format::Type::kInfo:
      learn_line(family.name, suffix_of(family.type), labels);
      text_ += "1\n";
      return;
    case format::Type::kHistogram:
      for (std::size_t i = 0; i <= family.bounds.size(); ++i) {
        std::string with_bound = labels.empty() ? "le=\"" : labels + ",le=\"";
        if (i < family.bounds.size()) {
          append_bound(with_bound, family.bounds[i]);
        } else {
          with_bound += "+Inf";
        }
        with_bound += '"';
        learn_line(family.name, "_bucket", with_bound);
        end_piece();
      }
      [[fallthrough]];
    case format::Type::kSummary:
      learn_line(family.name, "_count", labels);
      end_piece();
      learn_line(family.name, "_sum", labels);
      end_piece();
      return;
  }
}

void TextEncoder::learn_family(const reader::Family& family) {
  const std::string name = family.name + std::string(suffix_of(family.type));
  if (!family.continues) {
    text_ += "# HELP " + name + ' ';
    append_escaped_help(text_, family.help);
    text_ += "\n# TYPE " + name + ' ';
    text_ += name_of(family.type);
    text_ += '\n';
  }
  const bool has_buckets =
      family.type == format::Type::kHistogram || family.type == format::Type::kSummary;
  runs_.push_back({family.type, has_buckets ? family.bounds.size() + 1 : 0, family.series.size()});
  for (const reader::Series& series : family.series) learn_series(family, series);
}

void TextEncoder::learn(const reader::Families& families) {
  shape_ = 0;  // what is kept is no exposition until the end of this function
  text_.clear();
  piece_size_.clear();
  runs_.clear();
  first_value_.clear();
  last_piece_ = 0;
  for (const reader::Family& family : families.families) learn_family(family);
  shape_ = families.shape;
}

void TextEncoder::encode(const reader::Families& families, std::string& out) {
  encode_from(out.size(), families, out);
}

void TextEncoder::replace(const reader::Families& families, std::string& out) {
  encode_from(0, families, out);
}

void TextEncoder::encode_from(std::size_t begin, const reader::Families& families,
                              std::string& out) {
  if (families.shape != shape_) learn(families);

  const std::size_t most = begin + text_.size() + piece_size_.size() * kMaxNumberSize;
  if (out.size() < most) out.resize(most);
  char* to = out.data() + begin;
  const char* piece = text_.data();
  const std::uint32_t* size = piece_size_.data();
  const auto put = [&](auto number) {
    to = print(copy(to, piece, *size), number);
    piece += *size++;
  };

  const std::size_t* first_value = first_value_.data();
  for (const Run& run : runs_) {
    for (std::size_t i = 0; i < run.series; ++i) {
      const std::uint64_t* value = families.values.data() + *first_value++;
      switch (run.type) {
        case format::Type::kCounter: {
          const auto fraction = std::bit_cast<double>(value[1]);
          if (fraction == 0) {
            put(value[0]);
          } else {
            put(static_cast<double>(value[0]) + fraction);
          }
          break;
        }
        case format::Type::kGauge:
          put(std::bit_cast<double>(value[0]));
          break;
        case format::Type::kInfo:
          break;
        case format::Type::kHistogram: {
          std::uint64_t below = 0;
          for (std::size_t bucket = 0; bucket < run.buckets; ++bucket) {
            below += value[bucket];
            // Forged counts are any numbers: beyond the largest one, buckets stay cumulative.
            if (below < value[bucket]) below = ~std::uint64_t{0};
            put(below);
          }
          put(below);
          put(std::bit_cast<double>(value[run.buckets]));
          break;
        }
        case format::Type::kSummary:
          put(value[0]);
          put(std::bit_cast<double>(value[1]));
          break;
      }
    }
  }
  to = copy(to, piece, text_.size() - last_piece_);
  out.resize(static_cast<std::size_t>(to - out.data()));
}

}  // namespace metrics::exposition
