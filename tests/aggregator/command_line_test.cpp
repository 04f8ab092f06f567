// What a user reads who has mistyped a flag.
#include "aggregator/command_line.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace metrics::aggregator {
namespace {

const std::vector<std::string> kKnown = {
    "--segment", "--segment.owner", "--web.listen-address", "--json", "ls", "slots"};

std::string said(const std::vector<std::string>& arguments) {
  return unexpected(arguments, kKnown);
}

TEST(CommandLine, SuggestsTheFlagThatIsSpelledMuchAlike) {
  EXPECT_EQ(said({"--segmnt"}), "unknown flag --segmnt (did you mean --segment?)");
  EXPECT_EQ(said({"--segment.owners=x"}),
            "unknown flag --segment.owners (did you mean --segment.owner?)");
  EXPECT_EQ(said({"--web-listen-adress=:1"}),
            "unknown flag --web-listen-adress (did you mean --web.listen-address?)");
  EXPECT_EQ(said({"slot"}), "unexpected argument slot (did you mean slots?)");
  EXPECT_EQ(said({"slotz"}), "unexpected argument slotz (did you mean slots?)");
}

TEST(CommandLine, SuggestsTheNearestOne) {
  const std::vector<std::string> known = {"--abc", "--abcdef"};
  EXPECT_EQ(unexpected({"--abcd"}, known), "unknown flag --abcd (did you mean --abc?)");
}

TEST(CommandLine, SaysPlainlyWhatIsWrongWithAValue) {
  EXPECT_EQ(plain_words("--json: 1 required TEXT missing"), "--json needs a value");
  EXPECT_EQ(plain_words("--json: At Most 1 required but received 2"), "--json is given twice");
  EXPECT_EQ(plain_words("Could not convert: --json = soon"),
            "--json is true or false, and not \"soon\"");
  EXPECT_EQ(plain_words("--json: Value 0 not in range 1 to 9"),
            "--json: Value 0 not in range 1 to 9");
}

TEST(CommandLine, HasALineForArgumentsThatNobodyNames) {
  EXPECT_EQ(said({}), "an argument was not expected");
}

TEST(CommandLine, SuggestsNothingForAnotherWord) {
  EXPECT_EQ(said({"--colour"}), "unknown flag --colour");
  EXPECT_EQ(said({"-x"}), "unknown flag -x");
  EXPECT_EQ(said({"segment"}), "unexpected argument segment");
  EXPECT_EQ(said({""}), "unexpected argument ");
}

TEST(CommandLine, NamesTheFirstOfSeveral) {
  EXPECT_EQ(said({"--jsn", "--segmnt"}), "unknown flag --jsn (did you mean --json?)");
}

TEST(CommandLine, FindsAFlagWithoutItsValue) {
  const std::vector<const char*> argv = {"program", "--a=1", "--b=", "--c="};
  const std::vector<const char*> none = {"program=", "-b=", "c="};
  EXPECT_EQ(flag_without_value(static_cast<int>(argv.size()), argv.data()), "--b=");
  EXPECT_EQ(flag_without_value(2, argv.data()), "");
  EXPECT_EQ(flag_without_value(static_cast<int>(none.size()), none.data()), "");
}

}  // namespace
}  // namespace metrics::aggregator
