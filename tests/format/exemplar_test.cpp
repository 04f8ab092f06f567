// The text of an exemplar: what goes in comes out, and what is no label does not go in.
#include "libmetrics/format/exemplar.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libmetrics/format/escaping.h"

namespace metrics::format {
namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

// Returns the labels as they come out again; an empty optional if they don't go in.
std::optional<Labels> kept(const Labels& labels) {
  std::vector<const char*> names, values;
  for (const auto& [name, value] : labels) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  ExemplarWords words;
  words.text.fill(~std::uint64_t{0});
  if (!put_labels(names.data(), values.data(), labels.size(), words)) return std::nullopt;
  std::size_t used = 1;
  for (const auto& [name, value] : labels) used += 2 + name.size() + value.size();
  const std::string_view text(reinterpret_cast<const char*>(words.text.data()), sizeof words.text);
  // What a process had in its memory does not get into the segment.
  EXPECT_EQ(text.substr(used).find_first_not_of('\0'), std::string_view::npos);
  const auto there = labels_in(words);
  EXPECT_TRUE(there);
  if (!there) return std::nullopt;
  return Labels(there->begin(), there->end());
}

TEST(ExemplarText, ANameMayHaveEachCharacterOfALabelAndNoOther) {
  for (unsigned code = 1; code < 256; ++code) {
    const char c = static_cast<char>(code);
    for (std::size_t size = 1; size <= 20; ++size) {
      for (std::size_t at = 0; at < size; ++at) {
        std::string name(size, 'a');
        name[at] = c;
        const Labels labels{{name, "value"}};
        const bool is_good = is_legacy(c, at == 0, NameOf::kLabel);
        ASSERT_EQ(kept(labels), is_good ? std::optional(labels) : std::nullopt)
            << name << ", byte " << code;
      }
    }
  }
}

TEST(ExemplarText, ACharacterThatIsNotAsciiIsNoneOfANameBesideAnyOther) {
  for (unsigned first = 128; first < 256; ++first) {
    for (unsigned second = 1; second < 256; ++second) {
      std::string name = "aaaaaaaa";
      name[3] = static_cast<char>(first);
      name[4] = static_cast<char>(second);
      ASSERT_EQ(kept({{name, ""}}), std::nullopt) << first << ' ' << second;
      std::swap(name[3], name[4]);
      ASSERT_EQ(kept({{name, ""}}), std::nullopt) << second << ' ' << first;
    }
  }
}

TEST(ExemplarText, AValueMayBeAnyUtf8OfAnySize) {
  for (std::size_t size = 0; size <= 40; ++size) {
    const Labels ascii{{"n", std::string(size, '~')}};
    ASSERT_EQ(kept(ascii), ascii);
    for (std::size_t at = 0; at < size; ++at) {
      std::string value(size, '~');
      value[at] = '\x80';
      ASSERT_EQ(kept({{"n", value}}), std::nullopt) << "at " << at << " of " << size;
      value.replace(at, 1, "\xe2\x82\xac");
      const Labels good{{"n", value}};
      ASSERT_EQ(kept(good), good) << "at " << at << " of " << size;
    }
  }
}

TEST(ExemplarText, HasRoomFor128BytesOrTwoLessForEachLabelFromTheFourthOn) {
  for (std::size_t count = 1; count <= 60; ++count) {
    // Names of two bytes but the first: as many as fit in the end.
    Labels labels;
    for (std::size_t i = 0; i < count; ++i) {
      labels.emplace_back(
          std::string{static_cast<char>('A' + i / 26), static_cast<char>('a' + i % 26)}, "");
    }
    const std::size_t room = std::min<std::size_t>(128, 135 - 2 * count);
    if (2 * count > room) {
      EXPECT_EQ(kept(labels), std::nullopt) << count;
      continue;
    }
    labels.back().second = std::string(room - 2 * count, 'x');
    EXPECT_EQ(kept(labels), labels) << count;
    labels.back().second += 'x';
    EXPECT_EQ(kept(labels), std::nullopt) << count;
  }
}

TEST(ExemplarText, WhatIsNoLabelDoesNotGoIn) {
  EXPECT_EQ(kept({}), Labels{});
  EXPECT_EQ(kept({{"", "value"}}), std::nullopt);
  EXPECT_EQ(kept({{"__name", "value"}}), std::nullopt);
  EXPECT_EQ(kept({{"_", "value"}, {"_n", "value"}}), (Labels{{"_", "value"}, {"_n", "value"}}));
  EXPECT_EQ(kept({{"n", "a"}, {"m", "b"}, {"n", "c"}}), std::nullopt);
  ExemplarWords words;
  const char* const text = "text";
  const char* const null = nullptr;
  EXPECT_FALSE(put_labels(&null, &text, 1, words));
  EXPECT_FALSE(put_labels(&text, &null, 1, words));
  EXPECT_FALSE(put_labels(nullptr, &text, 1, words));
  EXPECT_FALSE(put_labels(&text, nullptr, 1, words));
  for (const std::size_t count : {~std::size_t{0}, ~std::size_t{0} / 2 + 1, std::size_t{68}}) {
    EXPECT_FALSE(put_labels(&text, &text, count, words)) << count;
  }
}

}  // namespace
}  // namespace metrics::format
