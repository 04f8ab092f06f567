// /api/v1 and the dashboard without sockets: what is answered, in which part, and what is refused.
#include "aggregator/endpoints/api.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/endpoints/dashboard.h"
#include "aggregator/endpoints/html.h"
#include "aggregator/exposition/gzip.h"
#include "tests/support/living.h"
#include "tests/support/temp_segment.h"
#include "tests/support/worker.h"

namespace metrics::endpoints {
namespace {

using test::TempSegment;

class Api : public ::testing::Test {
 protected:
  http::Response get(const std::string& path, const std::string& query = "") {
    return table_.at(path).handler({"GET", path, query, {}});
  }
  Json json(const std::string& path, const std::string& query = "", int status = 200) {
    const http::Response response = get("/api/v1/" + path, query);
    EXPECT_EQ(response.status, status) << *response.body;
    EXPECT_EQ(response.content_type, "application/json");
    EXPECT_EQ(std::count(response.body->begin(), response.body->end(), '\n'), 1);
    const Json answer = Json::parse(*response.body);
    EXPECT_EQ(answer.at("schema"), 1);
    return answer;
  }
  std::string error(const std::string& path, const std::string& query) {
    return json(path, query, 400).at("error");
  }
  // Returns the member of each of the list's objects.
  static std::vector<std::string> each(const Json& list, const char* member) {
    std::vector<std::string> found;
    for (const Json& entry : list) found.push_back(entry.at(member));
    return found;
  }

  TempSegment segment_;
  scrape::Scrape scrape_{{segment_.path()}};
  std::shared_ptr<Answers> answers_ =
      std::make_shared<Answers>(Status{"1.2.3",
                                       "abc",
                                       "a build",
                                       {{"--log.level", "info"}, {"--web.config.file", ""}},
                                       {{"connections", 4096}}});
  http::Routes table_ = [this] {
    std::vector<Endpoint> pages = api(scrape_, answers_);
    for (Endpoint& page : dashboard(scrape_, answers_)) pages.push_back(std::move(page));
    return routes(std::move(pages));
  }();
};

TEST_F(Api, SegmentsHaveTheirSpaceAndWhatTheyDropped) {
  segment_.counter("tasks").inc(3);
  segment_.counter("tasks").inc(-1.0);
  const Json answer = json("segments");
  ASSERT_EQ(answer.at("segments").size(), 1u);
  const Json& s = answer.at("segments").at(0);
  EXPECT_EQ(s.at("name"), segment_.path());
  EXPECT_EQ(s.at("segment"), segment_.file());
  EXPECT_EQ(s.at("up"), true);
  EXPECT_EQ(s.at("slots_live"), 1);
  EXPECT_EQ(s.at("cells_capacity"), test::kSmall.cells);
  ASSERT_EQ(s.at("dropped").size(), 1u);
  EXPECT_EQ(s.at("dropped").at(0).at("reason"), "counter_negative");
  EXPECT_EQ(s.at("dropped").at(0).at("count"), 1);
}

TEST_F(Api, ASegmentThatCantBeReadHasTheReason) {
  scrape::Scrape scrape({segment_.directory() + "/none"});
  const http::Routes table = routes(api(scrape, answers_));
  const Json answer =
      Json::parse(*table.at("/api/v1/segments").handler({"GET", "/api/v1/segments", "", {}}).body);
  const Json& s = answer.at("segments").at(0);
  EXPECT_EQ(s.at("up"), false);
  EXPECT_NE(s.at("error").get<std::string>().find("does not exist (yet)"), std::string::npos);
}

TEST_F(Api, FamiliesAreThoseOfAnExpositionAndAddedUp) {
  const Family<Counter> tasks("tasks", "Tasks.", {"type"}, segment_.options());
  tasks.labels("a").inc(3);
  tasks.labels("b").inc(4.5);
  const Family<Histogram> seconds("seconds", "", {"type"},
                                  {.bounds = Bounds{1, 2}, .segment = segment_.segment()});
  seconds.labels("a").observe(0.5);
  seconds.labels("b").observe(1.5);
  seconds.labels("b").observe(9);
  const Json answer = json("families", "own=false");
  EXPECT_EQ(answer.at("total"), 2);
  const Json& families = answer.at("families");
  EXPECT_EQ(each(families, "name"), (std::vector<std::string>{"tasks", "seconds"}));
  EXPECT_EQ(families.at(0).at("help"), "Tasks.");
  EXPECT_EQ(families.at(0).at("series_count"), 2);
  EXPECT_EQ(families.at(0).at("sums").at(0).at("samples").at(0).at("value"), "7.5");
  const Json& samples = families.at(1).at("sums").at(0).at("samples");
  std::vector<std::string> values = each(samples, "value");
  EXPECT_EQ(values, (std::vector<std::string>{"1", "2", "3", "3", "11"}));
  EXPECT_EQ(samples.at(0).at("labels"), (Json{{"le", "1.0"}}));
  EXPECT_GT(json("families").at("total"), 10);  // with the aggregator's own
}

TEST_F(Api, GaugesOfSeveralLabelsAreNotAddedUp) {
  const Family<Gauge> queue("queue", "", {"name"},
                            {.mode = Mode::kSum, .segment = segment_.segment()});
  queue.labels("a").set(1);
  EXPECT_EQ(json("families", "match=queue").at("families").at(0).at("sums").size(), 1u);
  queue.labels("b").set(2);
  EXPECT_EQ(json("families", "match=queue").at("families").at(0).at("sums").size(), 0u);
}

TEST_F(Api, OneFamilysSeriesComeInPartsFilteredAndInOrder) {
  const Family<Counter> tasks("tasks", "", {"type"}, segment_.options());
  for (int i = 0; i < 10; ++i) tasks.labels("t" + std::to_string(i)).inc((i * 7) % 10);
  const auto types = [&](const std::string& query) {
    std::vector<std::string> found;
    const Json answer = json("families", "family=tasks&" + query);
    for (const Json& s : answer.at("series")) found.push_back(s.at("labels").at("type"));
    return found;
  };
  using Types = std::vector<std::string>;
  EXPECT_EQ(types("limit=3"), (Types{"t0", "t1", "t2"}));
  EXPECT_EQ(types("limit=3&offset=9"), (Types{"t9"}));
  EXPECT_EQ(types("offset=10"), (Types{}));
  EXPECT_EQ(types("limit=3&sort=value"), (Types{"t7", "t4", "t1"}));
  EXPECT_EQ(types("match=%22T3"), (Types{"t3"}));
  EXPECT_EQ(types("limit=2&offset=1&sort=value"), (Types{"t4", "t1"}));
  EXPECT_EQ(json("families", "family=tasks&match=t3&limit=0").at("total"), 1);
}

TEST_F(Api, WhatIsNoNumberComesLastAndLeavesTheOthersInOrder) {
  const Family<Gauge> heat("heat", "", {"of"}, {.mode = Mode::kSum, .segment = segment_.segment()});
  heat.labels("a").set(1);
  heat.labels("nan").set(std::nan(""));
  heat.labels("b").set(3);
  heat.labels("other nan").set(std::nan(""));
  heat.labels("c").set(2);
  std::vector<std::string> order;
  const Json answer = json("families", "family=heat&sort=value");
  for (const Json& s : answer.at("series")) order.push_back(s.at("labels").at("of"));
  EXPECT_EQ(order, (std::vector<std::string>{"b", "c", "a", "nan", "other nan"}));
}

TEST_F(Api, WorkersComeInParts) {
  Counter tasks = segment_.counter("tasks");
  tasks.inc(1);
  std::vector<std::unique_ptr<test::Living>> others;
  std::vector<std::uint64_t> pids = {static_cast<std::uint64_t>(::getpid())};
  for (int i = 2; i <= 5; ++i) {
    others.push_back(std::make_unique<test::Living>([&] { tasks.inc(i); }));
    pids.push_back(static_cast<std::uint64_t>(others.back()->pid()));
  }
  const auto part = [&](const std::string& query) {
    const Json answer = json("workers", query);
    EXPECT_EQ(answer.at("total"), 5) << "of all, not of the part";
    std::vector<std::uint64_t> found;
    for (const Json& w : answer.at("workers")) found.push_back(w.at("pid"));
    return found;
  };
  using Pids = std::vector<std::uint64_t>;
  EXPECT_EQ(part("limit=2"), (Pids{pids[0], pids[1]}));
  EXPECT_EQ(part("limit=2&offset=3"), (Pids{pids[3], pids[4]}));
  EXPECT_EQ(part("offset=5"), Pids{});
  EXPECT_EQ(json("workers", "limit=2&offset=3").at("offset"), 3);
  EXPECT_EQ(part("limit=2&offset=1&sort=counted"), (Pids{pids[3], pids[2]}));
  EXPECT_EQ(json("workers", "limit=1&offset=1").at("workers").at(0).at("counters"), 2.0)
      << "counted for the part alone, too";
}

TEST_F(Api, WorkersAreLiveOrDeadAndHaveWhatWasCountedInTheirSlots) {
  Counter tasks = segment_.counter("tasks");
  Histogram seconds = segment_.histogram("seconds", Bounds{1});
  tasks.inc(2);
  const pid_t child = ::fork();
  if (child == 0) {
    tasks.inc(40);
    tasks.inc(0.5);
    seconds.observe(3);
    seconds.observe(0.5);
    ::_exit(0);
  }
  EXPECT_EQ(test::ended(child), 0);
  const Json answer = json("workers");
  EXPECT_EQ(answer.at("live"), 1);
  EXPECT_EQ(answer.at("dead"), 1);
  const Json& workers = answer.at("workers");
  EXPECT_EQ(each(workers, "state"), (std::vector<std::string>{"live", "dead"}));
  EXPECT_EQ(workers.at(1).at("pid"), child);
  EXPECT_EQ(workers.at(1).at("counters"), 40.5);
  EXPECT_EQ(workers.at(1).at("observations"), 2);
  EXPECT_EQ(workers.at(0).at("counters"), 2);
  EXPECT_EQ(workers.at(0).at("segment"), segment_.path());

  EXPECT_EQ(json("workers", "state=dead").at("workers").at(0).at("pid"), child);
  EXPECT_EQ(json("workers", "state=dead").at("total"), 1);
  EXPECT_EQ(json("workers", "sort=counted&limit=1").at("workers").at(0).at("pid"), child);
  EXPECT_EQ(json("workers", "match=" + std::to_string(child)).at("total"), 1);
  EXPECT_EQ(json("workers", "segment=/none").at("total"), 0);
}

TEST_F(Api, TotalsAreOfAllWorkersAndSlotsOfThoseThatAreAskedFor) {
  Counter tasks = segment_.counter("tasks");
  Histogram seconds = segment_.histogram("seconds", Bounds{1});
  tasks.inc(2);
  const test::Living other([&] {
    tasks.inc(40);
    seconds.observe(3);
  });
  const test::Living third([&] { tasks.inc(5); });
  const Json answer = json("workers", "totals=true&limit=1&state=live");
  const Json& totals = answer.at("totals");
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals.at(0).at("segment"), segment_.path());
  EXPECT_EQ(totals.at(0).at("slots").dump(), "[[1,1,2.0],[2,1,41.0],[3,1,5.0]]");
  EXPECT_EQ(answer.at("total"), 3);
  EXPECT_FALSE(answer.contains("workers"));
  const Json two = json("workers", "slots=3,1");
  EXPECT_EQ(two.at("total"), 2);
  EXPECT_EQ(two.at("workers").at(0).at("pid"), ::getpid());
  EXPECT_EQ(two.at("workers").at(1).at("pid"), third.pid());
  EXPECT_EQ(json("workers", "slots=9").at("workers"), Json::array());
  for (const char* wrong : {"slots=1,", "slots=x", "slots=1,,2", "slots=-1", "slots=1%202"}) {
    EXPECT_EQ(error("workers", wrong), "slots must be whole numbers with commas between them")
        << wrong;
  }
}

TEST_F(Api, ProcessesHaveTheirThreadsAndWhatTheyDroppedAndAFirstOwnerWhatItHasCounted) {
  Counter tasks = segment_.counter("tasks");
  tasks.inc(2);
  tasks.inc(-1.0);
  std::thread([&] { tasks.inc(3); }).join();
  const auto adopt = [&] {
    const pid_t child = test::forked([&] { tasks.inc(10); });
    EXPECT_EQ(test::ended(child), 0);
  };
  adopt();
  const Json first = json("workers").at("workers");
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first.at(0).at("threads"), 1);  // the other one has given its slot back
  EXPECT_EQ(first.at(0).at("dropped"), 1);
  EXPECT_EQ(first.at(1).at("dropped"), 0);
  EXPECT_EQ(first.at(1).at("since_claim"), (Json{{"counters", 10.0}, {"observations", 0}}));
  EXPECT_EQ(first.at(2).at("kind"), "thread");
  EXPECT_FALSE(first.at(2).contains("threads"));
  adopt();
  const Json second = json("workers").at("workers");
  EXPECT_EQ(second.at(1).at("generation"), 2);
  EXPECT_EQ(second.at(1).at("counters"), 20);
  EXPECT_FALSE(second.at(1).contains("since_claim"));
}

TEST_F(Api, TheSeriesOfAFamilyHaveTheirExemplars) {
  const Family<Counter> errors("errors", "", {},
                               {.segment = segment_.segment(), .exemplars = true});
  errors.labels().inc(2, {{"trace_id", "<4bf9>"}});
  const Json series = json("families", "family=errors").at("series");
  const Json& exemplars = series.at(0).at("exemplars");
  ASSERT_EQ(exemplars.size(), 1u);
  EXPECT_EQ(exemplars.at(0).at("labels"), (Json{{"trace_id", "<4bf9>"}}));
  EXPECT_EQ(exemplars.at(0).at("value"), "2");
}

TEST_F(Api, ClientsThatAcceptGzipGetIt) {
  exposition::Gzip gzip;
  for (const char* path : {"/api/v1/status", "/dashboard/dashboard.js"}) {
    const http::Response plain = get(path);
    const http::Response zipped =
        table_.at(path).handler({"GET", path, "", {{"Accept-Encoding", "gzip"}}});
    EXPECT_EQ(*zipped.body, gzip.compress(*plain.body)) << path;
    const auto has = [](const http::Response& r, const std::string& name, const char* value) {
      return std::find(r.headers.begin(), r.headers.end(),
                       std::pair<std::string, std::string>(name, value)) != r.headers.end();
    };
    EXPECT_TRUE(has(zipped, "Content-Encoding", "gzip")) << path;
    EXPECT_FALSE(has(plain, "Content-Encoding", "gzip")) << path;
    for (const http::Response& r : {plain, zipped}) {
      EXPECT_TRUE(has(r, "Vary", "Accept-Encoding")) << path;
    }
  }
}

// Those that wait together for the same answer share it, if they want the same bytes of it.
TEST_F(Api, ClientsThatAcceptGzipShareNoAnswerWithThoseThatDoNot) {
  constexpr int kClients = 16;
  std::atomic<int> asking{0};
  const auto ask = [&](scrape::Compression coding) {
    return std::async(std::launch::async, [&, coding] {
      ++asking;
      return scrape_.answer("key", coding, [&](const scrape::Scrape::View&) {
        while (asking < kClients) std::this_thread::yield();  // so that the others wait
        return std::string("text");
      });
    });
  };
  std::vector<std::future<std::shared_ptr<const std::string>>> plain, zipped;
  for (int i = 0; i < kClients / 2; ++i) {
    plain.push_back(ask(scrape::Compression::kNone));
    zipped.push_back(ask(scrape::Compression::kGzip));
  }
  for (auto& answer : plain) EXPECT_EQ(*answer.get(), "text");
  const std::string text(exposition::Gzip().compress("text"));
  for (auto& answer : zipped) EXPECT_EQ(*answer.get(), text);
}

TEST_F(Api, WhatIsBeyondBoundsOrUnknownIsRefusedWithWhatToWriteInstead) {
  EXPECT_EQ(error("workers", "limit=1001"), "limit must be a whole number, at most 1000");
  EXPECT_EQ(error("workers", "limit=-1"), "limit must be a whole number, at most 1000");
  EXPECT_EQ(error("families", "offset=1x"), "offset must be a whole number, at most 1000000000");
  EXPECT_EQ(error("workers", "state=gone"), "state must be one of any, live, dead, free");
  EXPECT_EQ(error("families", "family=none"), "family: there is none of that name");
}

TEST_F(Api, AParameterThatAPathHasNotIsRefusedWithThoseThatItHas) {
  EXPECT_EQ(error("families", "limit=3&name=x"),
            "unknown parameter name; there are limit, offset, match, family, own, sort");
  EXPECT_EQ(
      error("workers", "%66amily=x"),
      "unknown parameter family; there are limit, offset, match, segment, state, slots, sort, "
      "totals");
  EXPECT_EQ(error("segments", "limit=3"), "unknown parameter limit; there are none here");
  EXPECT_EQ(error("status", "x"), "unknown parameter x; there are none here");
  EXPECT_EQ(json("status", "&").at("version"), "1.2.3");
}

TEST_F(Api, TheStatusHasBuildLimitsAndFlags) {
  const Json answer = json("status");
  EXPECT_EQ(answer.at("version"), "1.2.3");
  EXPECT_EQ(answer.at("flags"), (Json{{"--log.level", "info"}, {"--web.config.file", ""}}));
  EXPECT_EQ(answer.at("limits"), (Json{{"connections", 4096}}));
}

TEST_F(Api, ALookIsNoExposition) {
  const auto scrapes = [&] {
    return json("families", "family=metrics_aggregator_scrapes")
        .at("series")
        .at(0)
        .at("samples")
        .at(0)
        .at("value");
  };
  EXPECT_EQ(scrapes(), "0");
  scrape_.exposition(exposition::formats().front(), scrape::Compression::kNone);
  EXPECT_EQ(scrapes(), "1");
}

TEST_F(Api, TheDashboardIsOfTheDaemonAloneAndHasPlainTables) {
  const Family<Counter> tasks("tasks", "<b>Help</b>", {"type"}, segment_.options());
  tasks.labels("<script>").inc(3);
  const http::Response page = get("/dashboard");
  const auto policy = std::find_if(page.headers.begin(), page.headers.end(), [](const auto& h) {
    return h.first == "Content-Security-Policy";
  });
  ASSERT_NE(policy, page.headers.end());
  EXPECT_TRUE(policy->second.starts_with("default-src 'self';"));
  EXPECT_EQ(policy->second.find("unsafe"), std::string::npos);
  EXPECT_NE(page.body->find("tasks_total 3"), std::string::npos);
  EXPECT_NE(page.body->find("&lt;b&gt;Help&lt;/b&gt;"), std::string::npos);
  EXPECT_EQ(page.body->find("<b>"), std::string::npos);
  const http::Response family = get("/dashboard", "family=tasks");
  EXPECT_NE(family.body->find("type=&lt;script&gt;"), std::string::npos);
  EXPECT_EQ(get("/dashboard", "limit=x").status, 400);
  EXPECT_EQ(get("/dashboard/dashboard.js").content_type, "text/javascript; charset=utf-8");
}

TEST(Html, HasNoCharacterOfTheTextThatMeansSomething) {
  EXPECT_EQ(html_of("<a b='c' d=\"e\">&\x01\xff"),
            "&lt;a b=&#39;c&#39; d=&quot;e&quot;&gt;&amp;?\xef\xbf\xbd");
  EXPECT_EQ(query_of("a b&c=\xc3\xa9"), "a%20b%26c%3D%C3%A9");
}

}  // namespace
}  // namespace metrics::endpoints
