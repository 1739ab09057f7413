// SPDX-License-Identifier: Apache-2.0
#include "core/config.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/fakes/temp_dir.h"

namespace vitrine {
namespace {

using testing::Contains;
using testing::HasSubstr;

std::string minimal(const std::string& extra = "") {
  return "[studio]\nname = \"shop\"\n\n[[camera]]\nid = \"counter\"\nsource = "
         "\"test:bars\"\n\n[[program]]\nid = \"main\"\n" +
         extra;
}

std::vector<std::string> problems_of(const std::string& text) {
  const auto config = parse_config(text, "v.toml");
  std::vector<std::string> texts;
  if (!config) {
    for (const auto& problem : config.error()) texts.push_back(problem.text());
  }
  return texts;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Config, FillsInTheDefaults) {
  const auto config = parse_config(minimal(), "v.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->programs[0].size, (Size{1920, 1080}));
  EXPECT_EQ(config->programs[0].frame_rate, (Rational{30, 1}));
  EXPECT_EQ(config->recording.directory, "/var/lib/vitrine/recordings");
  EXPECT_EQ(config->control_socket(), "/run/vitrine/studio.sock");
  EXPECT_EQ(config->cameras[0].name, "counter");
}

TEST(Config, TheDirectoriesFollowTheStateDirectory) {
  const auto config = parse_config(
      "[studio]\nname = \"x\"\nstate_dir = \"/srv/v\"\n[[camera]]\nid = \"a\"\nsource = "
      "\"test:bars\"\n[[program]]\nid = \"main\"\n",
      "v.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->media_dir, "/srv/v/media");
  EXPECT_EQ(config->recording.directory, "/srv/v/recordings");
}

TEST(Config, NamesEveryMistakeWithItsLineNotOnlyTheFirst) {
  const auto problems = problems_of(
      "[studio]\nname = \"\"\nlocal = \"zh-CN\"\n\n[[camera]]\nid = \"a b\"\nsource = "
      "\"http://x\"\n\n[[program]]\nid = \"main\"\nfps = "
      "240\nwidth = 1921\nvideo_kbps = \"4000\"\n\n[[destination]]\nid = \"d\"\nprogram = \"man\"\nurl = "
      "\"rtmp://h/live\"\n");
  EXPECT_THAT(problems, Contains(HasSubstr("v.toml:2: studio.name: found empty text")));
  EXPECT_THAT(
      problems,
      Contains(HasSubstr("v.toml:3: studio.local: found an unknown key, allowed: did you mean \"locale\"?")));
  EXPECT_THAT(problems, Contains(HasSubstr("v.toml:6: camera[0].id: found \"a b\"")));
  EXPECT_THAT(problems, Contains(HasSubstr("v.toml:7: camera[0].source: found \"http://x\"")));
  EXPECT_THAT(problems,
              Contains(HasSubstr("v.toml:11: program[0].fps: found 240, allowed: an integer from 5 to 60")));
  EXPECT_THAT(problems,
              Contains(HasSubstr("v.toml:12: program[0].width: found 1921, allowed: an even number")));
  EXPECT_THAT(problems, Contains(HasSubstr("v.toml:13: program[0].video_kbps: found \"4000\"")));
  EXPECT_THAT(
      problems,
      Contains(HasSubstr(
          "v.toml:17: destination[0].program: found \"man\", allowed: the id of a [[program]]: \"main\"")));
  EXPECT_THAT(problems, Contains(HasSubstr("destination[0].key_credential: found nothing")));
  EXPECT_EQ(problems.size(), 9U);
}

TEST(Config, RefusesDuplicateIds) {
  EXPECT_THAT(problems_of(minimal("\n[[camera]]\nid = \"counter\"\nsource = \"test:bars\"\n")),
              Contains(HasSubstr("camera[1].id: found \"counter\" a second time")));
}

TEST(Config, RefusesAKeyOrPasswordInAUrlAndDoesNotRepeatIt) {
  const auto problems =
      problems_of(minimal("[[destination]]\nid = \"d\"\nprogram = \"main\"\nurl = "
                          "\"rtmp://h/live/s?sign=TOPSECRET\"\nkey_credential = \"k\"\n"
                          "[[camera]]\nid = \"b\"\nsource = \"rtsp://admin:TOPSECRET@10.0.0.1/x\"\n"));
  EXPECT_EQ(problems.size(), 2U);
  EXPECT_THAT(problems, testing::Each(testing::Not(HasSubstr("TOPSECRET"))));
  EXPECT_THAT(problems, Contains(HasSubstr("key_credential")));
}

TEST(Config, RefusesAMicrophoneOnACameraThatIsNotThere) {
  EXPECT_THAT(problems_of(minimal("[[microphone]]\nid = \"m\"\nsource = \"camera:door\"\n")),
              Contains(HasSubstr("allowed: the id of a [[camera]]: \"counter\"")));
}

TEST(Config, RefusesTransportWhereThereIsNone) {
  EXPECT_THAT(problems_of("[studio]\nname=\"x\"\n[[camera]]\nid=\"a\"\nsource=\"test:bars\"\ntransport="
                          "\"udp\"\n[[program]]\nid=\"m\"\n"),
              Contains(HasSubstr("only rtsp:// sources")));
}

TEST(Config, RefusesAShopWithoutAddressOneWithAPasswordInItAndAnUnknownCurrency) {
  EXPECT_THAT(problems_of(minimal("[commerce]\nbackend = \"vendure\"\n")),
              testing::UnorderedElementsAre(HasSubstr("commerce.url: found nothing"),
                                            HasSubstr("commerce.credential: found nothing")));
  const auto problems =
      problems_of(minimal("[commerce]\nbackend = \"medusa\"\nurl = "
                          "\"https://admin:TOPSECRET@shop.example\"\ncredential = \"shop\"\n"));
  EXPECT_THAT(problems, testing::ElementsAre(
                            testing::AllOf(HasSubstr("commerce.url"), testing::Not(HasSubstr("TOPSECRET")))));
  EXPECT_THAT(problems_of(minimal("[commerce]\ncurrency = \"RMB\"\nurl = \"http://x\"\n")),
              testing::UnorderedElementsAre(HasSubstr("commerce.currency: found \"RMB\""),
                                            HasSubstr("commerce.url: found a value")));
}

TEST(Config, KnowsHowAShopsServerHoldsWhatItHasNoWordFor) {
  const auto config = parse_config(
      minimal("[commerce]\nbackend=\"vendure\"\nurl=\"https://shop.example\"\ncredential=\"shop\"\n"
              "page_address=\"https://shop.example/p/{handle}\"\npresale_field=\"presale\"\n"
              "[commerce.vendure]\ntimed_price_fields=[\"promoPrice\",\"from\",\"until_\",\"by2\"]\n"
              "[commerce.medusa]\nregion=\"reg_1\"\n"),
      "v.toml");
  ASSERT_TRUE(config) << config.error()[0].text();
  EXPECT_THAT(config->commerce.vendure.timed_price_fields,
              testing::ElementsAre("promoPrice", "from", "until_", "by2"));
  EXPECT_EQ(config->commerce.presale_field, "presale");
  EXPECT_EQ(config->commerce.vendure.category_facet, "category");
  EXPECT_EQ(config->commerce.page_address, "https://shop.example/p/{handle}");
  EXPECT_EQ(config->commerce.medusa.region, "reg_1");
}

TEST(Config, RefusesNamesOfShopFieldsThatWouldSpoilAQuestion) {
  const std::string shop =
      "[commerce]\nbackend=\"vendure\"\nurl=\"https://shop.example\"\ncredential=\"shop\"\n";
  EXPECT_THAT(
      problems_of(minimal(shop + "presale_field=\"a b\"\npage_address=\"https://shop.example/\"\n"
                                 "[commerce.vendure]\nreference_price_field=\"x}{y\"\n"
                                 "timed_price_fields=[\"a\"]\n")),
      testing::UnorderedElementsAre(HasSubstr("commerce.presale_field: found \"a b\""), HasSubstr("{handle}"),
                                    HasSubstr("commerce.vendure.reference_price_field: found \"x}{y\""),
                                    HasSubstr("commerce.vendure.timed_price_fields: found an array")));
}

TEST(Config, TakesEventsOnAnAddressWithASecretAndElseNone) {
  const std::string shop =
      "[commerce]\nbackend = \"medusa\"\nurl = \"https://shop.example\"\ncredential = \"shop\"\n";
  const auto with = [&](const std::string& listen) {
    return minimal(shop + "events_credential = \"hook\"\nevents_listen = \"" + listen + "\"\n");
  };
  EXPECT_EQ(parse_config(minimal(shop), "v.toml")->commerce.events_listen, std::nullopt);
  for (const std::string listen : {"0.0.0.0:8091", "[::]:8091", "[fe80::1]:1"}) {
    const auto config = parse_config(with(listen), "v.toml");
    ASSERT_TRUE(config) << listen;
    EXPECT_EQ(config->commerce.events_listen->text(), listen);
  }
  for (const std::string listen : {"8091", "localhost:8091", "0.0.0.0", "0.0.0.0:", "0.0.0.0:0",
                                   "0.0.0.0:65536", "::1:80", "[::1:80", "1.2.3.4:80x", "[1.2.3.4]:80"})
    EXPECT_THAT(problems_of(with(listen)), Contains(HasSubstr("commerce.events_listen: found \"" + listen)));
  EXPECT_THAT(problems_of(minimal(shop + "events_listen = \"0.0.0.0:8091\"\n")),
              Contains(HasSubstr("commerce.events_credential: found nothing")));
  EXPECT_THAT(problems_of(minimal(shop + "events_credential = \"hook\"\n")),
              Contains(HasSubstr("commerce.events_listen: found nothing")));
  EXPECT_THAT(problems_of(minimal("[commerce]\nevents_listen = \"0.0.0.0:8091\"\n")),
              Contains(HasSubstr("this box itself")));
}

TEST(Config, TakesHostsForPhotosAndNothingElseThere) {
  const auto config =
      parse_config(minimal("[commerce]\nphoto_hosts = [\"cdn.example\", \"[::1]:8443\"]\n"), "v.toml");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->commerce.photo_hosts, testing::ElementsAre("cdn.example", "[::1]:8443"));
  EXPECT_THAT(problems_of(minimal(
                  "[commerce]\nphoto_hosts = [\"https://cdn.example\", \"cdn.example/x\", 5, \"\"]\n")),
              testing::UnorderedElementsAre(HasSubstr("photo_hosts[0]"), HasSubstr("photo_hosts[1]"),
                                            HasSubstr("photo_hosts[2]"), HasSubstr("photo_hosts[3]")));
}

TEST(Config, ListensInClearOnLoopbackOnly) {
  const auto config =
      parse_config(minimal("[desk]\nlisten = \"[::1]:80\"\nlisten_tls = [\"0.0.0.0:8443\"]\nhost_names = "
                           "[\"vitrine.local\", \"box-1\"]\n"),
                   "v.toml");
  ASSERT_TRUE(config) << config.error()[0].text();
  EXPECT_EQ(config->desk.listen.text(), "[::1]:80");
  EXPECT_EQ(config->desk.listen_tls[0].text(), "0.0.0.0:8443");
  EXPECT_THAT(config->desk.host_names, testing::ElementsAre("vitrine.local", "box-1"));
  for (const std::string listen : {"0.0.0.0:8080", "[::]:8080", "192.168.1.5:8080", "localhost:8080", ""})
    EXPECT_THAT(problems_of(minimal("[desk]\nlisten = \"" + listen + "\"\n")),
                Contains(HasSubstr("desk.listen: found")))
        << listen;
  EXPECT_THAT(problems_of(minimal("[desk]\nlisten_tls = [\"8443\"]\nhost_names = [\"A.b\", \"a:80\", "
                                  "\"a..b\", \"10.0.0.1\", \"*\"]\n")),
              testing::UnorderedElementsAre(HasSubstr("listen_tls[0]"), HasSubstr("host_names[0]"),
                                            HasSubstr("host_names[1]"), HasSubstr("host_names[2]"),
                                            HasSubstr("host_names[3]"), HasSubstr("host_names[4]")));
}

TEST(Config, TakesBroadcastRatesAsText) {
  const auto config = parse_config(minimal("fps = \"30000/1001\"\n"), "v.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->programs[0].frame_rate, (Rational{30'000, 1001}));
  EXPECT_THAT(problems_of(minimal("fps = 29.97\n")), Contains(HasSubstr("30000/1001")));
}

TEST(Config, ASyntaxErrorHasLineAndColumn) {
  EXPECT_THAT(problems_of("[studio]\nname = \n"), Contains(HasSubstr("v.toml:2:")));
  EXPECT_THAT(problems_of("[studio]\nname = \"a\"\nname = \"b\"\n"), Contains(HasSubstr("v.toml:3:")));
}

TEST(Config, ACategoryThatNeedsADocumentIsReadAndEveryMistakeInItNamed) {
  const auto config = parse_config(
      minimal("[[commerce.category_licence]]\ncategory = \"食品\"\ndocument = \"food_licence\"\n"
              "[[commerce.category_licence]]\ncategory = \"图书\"\ndocument = \"publication-2026\"\n"),
      "v.toml");
  ASSERT_TRUE(config) << to_error(config.error()).message;
  ASSERT_EQ(config->commerce.category_licences.size(), 2U);
  EXPECT_EQ(config->commerce.category_licences[0].category, "食品");
  EXPECT_EQ(config->commerce.category_licences[1].document, "publication-2026");
  EXPECT_THAT(problems_of(minimal("[[commerce.category_licence]]\ncategory = \"食品 \"\ndocumnet = \"x\"\n")),
              testing::UnorderedElementsAre(
                  HasSubstr("commerce.category_licence[0].category: found \"食品 \""),
                  testing::AllOf(HasSubstr("v.toml:"),
                                 HasSubstr("commerce.category_licence[0].document: found nothing")),
                  HasSubstr("did you mean \"document\"?")));
}

TEST(Config, AMissingFileSaysWhereTheDefaultIs) {
  const auto config = load_config("/nonexistent/vitrine.toml");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error()[0].text(), HasSubstr("No such file"));
}

/// Takes "# key =" to "key =", leaving prose alone.
/// Keys that belong to one kind of source or backend only get one that has them.
std::string with_defaults_enabled(const std::string& text) {
  auto enabled = std::regex_replace(text, std::regex("\n# ([a-z_]+ = )"), "\n$1");
  enabled = std::regex_replace(enabled, std::regex("v4l2:auto\"\n"), "rtsp://10.0.0.7/ch1\"\n");
  return std::regex_replace(enabled, std::regex("backend = \"local\""), "backend = \"vendure\"");
}

TEST(DefaultConfig, IsValidAsItIsAndWithEveryDefaultWrittenOut) {
  const auto text = read_file(VITRINE_SOURCE_DIR "/systemd/vitrine.toml");
  EXPECT_THAT(problems_of(text), testing::IsEmpty());
  EXPECT_THAT(problems_of(with_defaults_enabled(text)), testing::IsEmpty());
}

TEST(DefaultConfig, WritesTheDefaultsThatTheCodeHas) {
  const auto plain = parse_config(read_file(VITRINE_SOURCE_DIR "/systemd/vitrine.toml"), "v.toml");
  const auto text = with_defaults_enabled(read_file(VITRINE_SOURCE_DIR "/systemd/vitrine.toml"));
  const auto written = parse_config(text, "v.toml");
  ASSERT_TRUE(plain && written);
  EXPECT_EQ(plain->locale, written->locale);
  EXPECT_EQ(plain->state_dir, written->state_dir);
  EXPECT_EQ(plain->run_dir, written->run_dir);
  EXPECT_EQ(plain->theme_dir, written->theme_dir);
  EXPECT_EQ(plain->platforms_file, written->platforms_file);
  EXPECT_EQ(plain->media_dir, written->media_dir);
  EXPECT_EQ(plain->credentials_dir, written->credentials_dir);
  EXPECT_EQ(plain->recording.directory, written->recording.directory);
  EXPECT_EQ(plain->recording.segment, written->recording.segment);
  EXPECT_EQ(plain->recording.keep_days, written->recording.keep_days);
  EXPECT_EQ(plain->recording.min_free_mib, written->recording.min_free_mib);
  EXPECT_EQ(plain->commerce.currency, written->commerce.currency);
  EXPECT_EQ(plain->commerce.highest_price_minor, written->commerce.highest_price_minor);
  EXPECT_EQ(plain->commerce.photo_hosts, written->commerce.photo_hosts);
  EXPECT_EQ(plain->desk.listen.text(), written->desk.listen.text());
  EXPECT_EQ(plain->desk.listen_tls.size(), written->desk.listen_tls.size());
  EXPECT_EQ(plain->desk.host_names, written->desk.host_names);
  EXPECT_EQ(plain->cameras[0].transport, written->cameras[0].transport);
  EXPECT_EQ(plain->microphones[0].gain_db, written->microphones[0].gain_db);
  EXPECT_EQ(plain->microphones[0].delay, written->microphones[0].delay);
  const auto& a = plain->programs[0];
  const auto& b = written->programs[0];
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.frame_rate, b.frame_rate);
  EXPECT_EQ(a.video_kbps, b.video_kbps);
  EXPECT_EQ(a.audio_kbps, b.audio_kbps);
  EXPECT_EQ(a.preset, b.preset);
  EXPECT_EQ(a.theme, b.theme);
  EXPECT_EQ(a.is_recorded, b.is_recorded);
  EXPECT_EQ(plain->destinations[0].platform, written->destinations[0].platform);
}

TEST(DefaultConfig, DescribesEveryKeyThatTheCodeReads) {
  // An unknown key is answered with the list of the known ones: that list is the code's, the file must have
  // each.
  const auto text = read_file(VITRINE_SOURCE_DIR "/systemd/vitrine.toml");
  for (const std::string section :
       {"[studio]", "[recording]", "[[camera]]", "[[microphone]]", "[[program]]", "[[destination]]",
        "[commerce]", "[[commerce.category_licence]]", "[commerce.vendure]", "[commerce.medusa]", "[desk]"}) {
    const auto at = text.find("\n" + section) + 1;
    ASSERT_NE(at, 0U) << section;
    std::string probed = text;
    probed.insert(at + section.size(), "\nzzzzzzzzzzzz = 1");
    const auto problems = problems_of(probed);
    ASSERT_EQ(problems.size(), 1U) << section;
    std::smatch match;
    ASSERT_TRUE(std::regex_search(problems[0], match, std::regex("allowed: the keys (.*)")));
    std::stringstream keys(match[1].str());
    std::string key;
    const std::string body = text.substr(at, text.find("\n[", at) - at);
    while (std::getline(keys, key, ',')) {
      key.erase(0, key.find_first_not_of(' '));
      const std::string table = section.substr(1, section.find(']') - 1) + "." + key + "]";
      const bool is_table =
          text.find("\n[" + table) != std::string::npos || text.find("\n[[" + table) != std::string::npos;
      EXPECT_TRUE(is_table || std::regex_search(body, std::regex("\n(# )?" + key + " = ")))
          << section << " " << key;
    }
  }
}

}  // namespace
}  // namespace vitrine
