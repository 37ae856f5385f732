// The .env file, which is shared with other programs that read it.
#include "config/dotenv.hpp"

#include "config_rig.hpp"

namespace waybill {
namespace {

TEST(Dotenv, HasQuotesCommentsAndExport) {
  Variables variables;
  std::vector<std::string> mistakes;
  variables.set("SET", "before");
  detail::add_dotenv(variables,
                     "A=1\r\nB = two words  # comment\nC='single \\n # kept'\nD=\"a\\n\\\"b\\\" \\\\ \\x\" # c\n"
                     "export E=5\n\n# comment\nF=\nG=a#b\nSET=after\nA=2\n",
                     ".env", mistakes);
  EXPECT_TRUE(mistakes.empty()) << mistakes.front();
  const auto value = [&variables](const char* name) {
    const std::string* found = variables.find(name);
    return found ? *found : "unset";
  };
  EXPECT_EQ(value("A"), "2");
  EXPECT_EQ(value("B"), "two words");
  EXPECT_EQ(value("C"), "single \\n # kept");
  EXPECT_EQ(value("D"), "a\n\"b\" \\ \\x");
  EXPECT_EQ(value("E"), "5");
  EXPECT_EQ(value("F"), "");
  EXPECT_EQ(value("G"), "a#b");
  EXPECT_EQ(value("SET"), "before");
}

TEST(Dotenv, MistakesHaveALineAndNoValue) {
  Variables variables;
  std::vector<std::string> mistakes;
  detail::add_dotenv(variables, "A=\"1\n2\"\nWAYBILL_LOG hunter2\nB='hunter2\nC=\"x\" hunter2\nD=4\n", ".env",
                     mistakes);
  ASSERT_EQ(mistakes.size(), 3u);
  EXPECT_TRUE(contains(mistakes[0], ".env:3: expected NAME=value")) << mistakes[0];
  EXPECT_TRUE(contains(mistakes[1], ".env:4: the closing quote")) << mistakes[1];
  EXPECT_TRUE(contains(mistakes[2], ".env:5: expected the end of the line")) << mistakes[2];
  EXPECT_EQ(*variables.find("D"), "4");
  for (const std::string& mistake : mistakes) EXPECT_FALSE(contains(mistake, "hunter2")) << mistake;
}

TEST(Dotenv, IsSharedWithOtherReaders) {
  Variables variables;
  std::vector<std::string> mistakes;
  variables.set("EMPTY", "");
  detail::add_dotenv(
      variables,
      "\xEF\xBB\xBF"
      "FIRST=1\nFOO\nmy-var=2\na.b=3\nexport\tTAB=4\nexport FOO\nKEY=\"-----BEGIN-----\r\nabc # no comment\n"
      "-----END-----\" # comment\nNEXT='a\n\nb'\nEMPTY=filled\nLAST=5",
      ".env", mistakes);
  EXPECT_TRUE(mistakes.empty()) << mistakes.front();
  const auto value = [&variables](const char* name) {
    const std::string* found = variables.find(name);
    return found ? *found : "unset";
  };
  EXPECT_EQ(value("FIRST"), "1");
  EXPECT_EQ(value("TAB"), "4");
  EXPECT_EQ(value("KEY"), "-----BEGIN-----\nabc # no comment\n-----END-----");
  EXPECT_EQ(value("NEXT"), "a\n\nb");
  EXPECT_EQ(value("EMPTY"), "filled");
  EXPECT_EQ(value("LAST"), "5");
}

TEST(Dotenv, AFileThatCannotBeReadIsAMistake) {
  const Folder folder;
  std::filesystem::create_directory(folder.path() / ".env");
  Variables variables;
  std::vector<std::string> mistakes;
  detail::add_dotenv_file(variables, (folder.path() / ".env").string(), mistakes);
  ASSERT_EQ(mistakes.size(), 1u);
  EXPECT_TRUE(contains(mistakes[0], ".env: cannot be read: Is a directory")) << mistakes[0];
  mistakes.clear();
  detail::add_dotenv_file(variables, (folder.path() / "none" / ".env").string(), mistakes);
  EXPECT_TRUE(mistakes.empty());
}

}  // namespace
}  // namespace waybill
