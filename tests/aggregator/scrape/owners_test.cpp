// Whose segments are served, by what the opened file says.
#include "aggregator/scrape/owners.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "libmetrics/format/error.h"
#include "tests/support/temp_segment.h"

namespace metrics::scrape {
namespace {

constexpr uid_t kStranger = 4711;  // a user without a name
const std::string kFile = "/nowhere/segment.v2";

struct stat file_of(uid_t user, gid_t group = 4711, mode_t mode = 0600) {
  struct stat info {};
  info.st_uid = user;
  info.st_gid = group;
  info.st_mode = S_IFREG | mode;
  return info;
}

// Unsets the METRICS_* variables.
class OwnersTest : public ::testing::Test {
 protected:
  test::TempDirectory directory_;
};

TEST_F(OwnersTest, OwnSegmentsAndThoseOfRootAreServed) {
  const Owners owners;
  EXPECT_EQ(owners.refusal(kFile, file_of(::geteuid())), "");
  EXPECT_EQ(owners.refusal(kFile, file_of(0)), "");
}

TEST_F(OwnersTest, SegmentsOfOthersAreRefusedUnlessTheyAreNamed) {
  const std::string self = user_name(::geteuid());
  EXPECT_EQ(Owners().refusal(kFile, file_of(kStranger)),
            "belongs to user 4711, and this process runs as " + self +
                "; if that user's metrics are to be served, add --segment.owner 4711");
  EXPECT_EQ(Owners({"4711"}).refusal(kFile, file_of(kStranger)), "");
  EXPECT_NE(Owners({"4711"}).refusal(kFile, file_of(kStranger + 1)), "");
  EXPECT_EQ(Owners({"nobody"}).refusal(kFile, file_of(65534)), "");
  EXPECT_EQ(Owners().refusal(kFile, file_of(65534)).find("belongs to user nobody, "), 0u);
}

TEST_F(OwnersTest, TheGroupThatWorkersShareSegmentsInIsAccepted) {
  ::setenv("METRICS_GROUP", "4712", 1);
  const Owners owners;
  EXPECT_EQ(owners.refusal(kFile, file_of(kStranger, 4712, 0660)), "");
  EXPECT_NE(owners.refusal(kFile, file_of(kStranger, 4713, 0660)), "");
  ::setenv("METRICS_GROUP", "no such group", 1);
  EXPECT_THROW(Owners{}, format::Error);
}

TEST_F(OwnersTest, TheGroupOfAFolderThatIsMadeForAGroupIsAccepted) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder to any group";
  const std::string file = directory_.path() + "/segment.v2";
  ASSERT_EQ(::chown(directory_.path().c_str(), 0, 4712), 0);
  ASSERT_EQ(::chmod(directory_.path().c_str(), 02770), 0);
  const Owners owners;
  EXPECT_EQ(owners.refusal(file, file_of(kStranger, 4712, 0660)), "");
  EXPECT_NE(owners.refusal(file, file_of(kStranger, 4713, 0660)), "");
  ASSERT_EQ(::chmod(directory_.path().c_str(), 02777), 0);
  EXPECT_NE(owners.refusal(file, file_of(kStranger, 4712, 0660)), "") << "anybody may add files";
}

TEST_F(OwnersTest, WhatAnybodyMayWriteIsServedForNobody) {
  EXPECT_EQ(Owners().refusal(kFile, file_of(::geteuid(), 4711, 0606)),
            "may be written by anybody, who could forge it; chmod it to 0600, or to 0660 for a "
            "group");
  EXPECT_EQ(Owners().refusal(kFile, file_of(::geteuid(), 4711, 0664)), "");
}

TEST_F(OwnersTest, AUserThatDoesNotExistIsAnError) {
  try {
    Owners owners({"no such user"});
    ADD_FAILURE() << "was accepted";
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "\"no such user\" is not a user here; write a user's name or number");
  }
}

}  // namespace
}  // namespace metrics::scrape
