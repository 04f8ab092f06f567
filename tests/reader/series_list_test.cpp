#include "libmetrics/reader/series_list.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libmetrics/reader/series_edits.h"

namespace metrics::reader {
namespace {

using Values = std::vector<std::string_view>;

const auto kNames = std::make_shared<const LabelNames>(LabelNames{"a", "b"});

TEST(SeriesList, ShowsLabelsOfAnyLength) {
  std::vector<std::string> texts;
  for (const std::size_t size : {0u, 1u, 127u, 128u, 129u, 16383u, 16384u, 70000u}) {
    texts.emplace_back(size, 'x');
  }
  SeriesList list;
  for (const std::string& text : texts) {
    list.push_back(kNames, Values{text, "end"}, {{}, 1, 2, 3});
  }
  ASSERT_EQ(list.size(), texts.size());
  std::size_t i = 0;
  for (const Series& s : list) {
    EXPECT_EQ(s.labels, (std::vector<Label>{{"a", texts[i++]}, {"b", "end"}}));
    EXPECT_EQ(s.record, 2u);
  }
}

TEST(SeriesList, ShowsSeriesOfOtherNamesAndOneMoreLabelBehindThem) {
  SeriesList list;
  list.push_back(kNames, Values{"1", "2"}, {});
  list.push_back(std::vector<Label>{{"c", "3"}}, {});
  list.push_back(std::vector<Label>{}, {});
  SeriesList more;
  SeriesList::Entry entry = list.entries().front();
  entry.last = std::make_shared<const Label>(Label{"segment", "s"});
  entry.values = 100;
  more.append(entry);
  EXPECT_EQ(more.at(0).labels, (std::vector<Label>{{"a", "1"}, {"b", "2"}, {"segment", "s"}}));
  EXPECT_EQ(more.at(1).labels, (std::vector<Label>{{"c", "3"}, {"segment", "s"}}));
  EXPECT_EQ(more.at(2).labels, (std::vector<Label>{{"segment", "s"}}));
  EXPECT_EQ(more.at(2).first_value, 100u);
  EXPECT_EQ(list.at(2).labels, std::vector<Label>());
  EXPECT_EQ(list.at(2).first_value, 0u);
}

// A list that was copied may be read by others: what is added to one is in no other one.
TEST(SeriesList, KeepsAChunkThatAnotherListHas) {
  SeriesList list;
  list.push_back(kNames, Values{"1", "2"}, {});
  const SeriesList copy = list;
  list.push_back(kNames, Values{"3", "4"}, {});
  list.change(0).record = 7;
  EXPECT_EQ(copy.size(), 1u);
  EXPECT_EQ(copy.at(0).record, 0u);
  EXPECT_EQ(list.size(), 2u);
  EXPECT_EQ(list.at(0).record, 7u);
}

class Edited {
 public:
  void edit(const std::vector<format::Offset>& removed, const std::set<format::Offset>& added) {
    std::set<std::uint64_t> before;
    for (const auto& entry : list_.entries()) before.insert(entry.chunk->number());
    for (const format::Offset record : removed) expected_.erase(record);
    SeriesList fresh;
    for (const format::Offset record : added) {
      expected_[record] = std::to_string(++made_);
      fresh.push_back(kNames, Values{expected_[record], "b"}, {{}, made_, record});
    }
    apply(removed, fresh, list_);
    fresh_chunks_ = 0;
    for (const auto& entry : list_.entries()) {
      fresh_chunks_ += before.contains(entry.chunk->number()) ? 0 : 1;
    }
  }
  void check() const {
    ASSERT_EQ(list_.size(), expected_.size());
    auto expected = expected_.begin();
    for (const Series& s : list_) {
      ASSERT_EQ(s.record, expected->first);
      ASSERT_EQ(s.labels.front().value, expected->second);
      ASSERT_EQ(std::to_string(s.first_value), expected->second);
      ++expected;
    }
    for (std::size_t i = 0; i < list_.size(); i += 50) {
      ASSERT_EQ(list_.at(i).record, std::next(expected_.begin(), static_cast<long>(i))->first);
    }
    for (const auto& entry : list_.entries()) {
      ASSERT_GE(entry.chunk->size(), 1u);
      ASSERT_LE(entry.chunk->size(), SeriesChunk::kMost);
    }
    ASSERT_LE(list_.entries().size(), list_.size() / (SeriesChunk::kMost / 4) + 1) << "small ones";
  }
  const std::map<format::Offset, std::string>& expected() const { return expected_; }
  std::size_t fresh_chunks() const { return fresh_chunks_; }

 private:
  SeriesList list_;
  std::map<format::Offset, std::string> expected_;
  std::size_t made_ = 0, fresh_chunks_ = 0;
};

TEST(SeriesList, EditedAtRandomHasWhatIsLeftInTheOrderOfRecords) {
  std::mt19937 random(1);
  Edited edited;
  for (int step = 0; step < 400; ++step) {
    const bool grows = step / 50 % 2 == 0;
    std::vector<format::Offset> removed;
    std::set<format::Offset> added;
    for (auto n = random() % (grows ? 20 : 60); n > 0 && !edited.expected().empty(); --n) {
      const auto any = static_cast<long>(random() % edited.expected().size());
      removed.push_back(std::next(edited.expected().begin(), any)->first);
    }
    std::ranges::shuffle(removed, random);
    removed.erase(std::unique(removed.begin(), removed.end()), removed.end());
    for (auto n = random() % (grows ? 60 : 20); n > 0; --n) {
      const format::Offset record = 8 * (1 + random() % 4096);
      if (!edited.expected().contains(record)) added.insert(record);
    }
    if (random() % 4 == 0 && !removed.empty()) added.insert(removed.front());  // taken again
    if (random() % 40 == 0) {
      removed.clear();
      for (const auto& [record, text] : edited.expected()) removed.push_back(record);
    }
    edited.edit(removed, added);
    edited.check();
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(SeriesList, MakesOneChunkAnewForASeriesThatGoesOrComesBehindAllOthers) {
  Edited edited;
  std::set<format::Offset> first;
  for (format::Offset record = 8; record <= 8 * 10000; record += 8) first.insert(record);
  edited.edit({}, first);
  edited.edit({8 * 5000}, {});
  edited.check();
  EXPECT_EQ(edited.fresh_chunks(), 1u);
  edited.edit({}, {8 * 20000});
  edited.check();
  EXPECT_LE(edited.fresh_chunks(), 1u);
}

}  // namespace
}  // namespace metrics::reader
