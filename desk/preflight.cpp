// SPDX-License-Identifier: Apache-2.0
#include "desk/preflight.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace vitrine::desk {
namespace {

using nlohmann::json;
using Level = Preflight::Level;
using Point = Preflight::Point;

constexpr double kHeard_db = -55;       // below it is a room where nobody speaks, or a muted microphone
constexpr double kReservePercent = 30;  // of the uplink: what else the shop does, and a network's bad minutes
constexpr std::array<std::string_view, 3> kLevels = {"green", "amber", "red"};

/// As people call what `CategoryLicence::document` names.
std::string_view chinese_name(std::string_view document) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {
      {{"business_licence", "营业执照"},
       {"food_licence", "食品经营许可证"},
       {"inspection", "检测报告"},
       {"certificate", "合格证"},
       {"authorisation", "授权书"}}};
  const auto found = std::ranges::find(kNames, document, &decltype(kNames)::value_type::first);
  return found == kNames.end() ? document : found->second;
}

Words words(std::string zh, std::string en) {
  return {std::move(zh), std::move(en)};
}

class Judge {
 public:
  Judge(const ShowPlan& plan, const PreflightSight& sight, const Config& config)
      : plan_(plan), sight_(sight), config_(config) {}

  Preflight judge() {
    cameras();
    microphones();
    disk();
    clock();
    shop();
    for (const auto& item : sight_.items) this->item(item);
    licence();
    destinations();
    uplink();
    return std::move(preflight_);
  }

 private:
  void add(std::string id, Level level, Words reason, Words remedy = {}) {
    preflight_.points.push_back({std::move(id), level, std::move(reason), std::move(remedy), false});
  }
  /// The law or money is concerned.
  void block(std::string id, Words reason, Words remedy) {
    preflight_.points.push_back({std::move(id), Level::kRed, std::move(reason), std::move(remedy), true});
  }

  void cameras() {
    if (sight_.studio.is_null()) {
      add("studio", Level::kRed, words("直播引擎没有响应", "the studio does not answer"),
          words("稍等片刻；仍不行请重启本机", "systemctl status vitrine-studio"));
      return;
    }
    for (const auto& camera : sight_.studio.value("cameras", json::array())) {
      const std::string id = "camera." + camera.value("id", "");
      const std::string name = camera.value("name", "");
      const auto warnings = camera.value("warnings", json::array());
      if (camera.value("state", "") != "live")
        add(id, Level::kRed,
            words(name + "：没有画面", fmt::format("{}: {}", name, camera.value("cause", "no picture"))),
            words("检查摄像头电源和网线", "look at its power and cable; vitrinectl status says more"));
      else if (!warnings.empty())
        add(id, Level::kAmber, words(name + "：画面可能有问题", fmt::format("{}: {}", name, warnings.dump())),
            words("看一眼画面：是否被遮挡、失焦或静止",
                  "look at the picture: covered, out of focus, frozen?"));
      else
        add(id, Level::kGreen, words(name + "：正常", name + ": live"));
    }
  }

  void microphones() {
    for (const auto& microphone :
         sight_.studio.is_null() ? json::array() : sight_.studio.value("microphones", json::array())) {
      const std::string id = "microphone." + microphone.value("id", "");
      const std::string name = microphone.value("name", "");
      if (microphone.value("state", "") != "live")
        add(id, Level::kRed,
            words(name + "：没有声音信号",
                  fmt::format("{}: {}", name, microphone.value("cause", "no signal"))),
            words("检查麦克风的连接", "look at its connection"));
      else if (microphone.value("level_db", -100.0) < kHeard_db)
        add(id, Level::kAmber, words(name + "：听不到声音", name + ": nothing is heard"),
            words("对着麦克风说一句话；检查静音键", "say something into it; is it muted?"));
      else
        add(id, Level::kGreen, words(name + "：有声音", name + ": heard"));
    }
  }

  void disk() {
    if (sight_.destinations.is_null() || !sight_.destinations.contains("hours_left")) return;
    constexpr double kLeast = 1;
    const double hours = sight_.destinations["hours_left"].get<double>();
    double wanted = 4;
    if (plan_.begins_at && plan_.ends_at)
      wanted = std::chrono::duration<double, std::ratio<3600>>(*plan_.ends_at - *plan_.begins_at).count() + 1;
    const auto remedy = words("旧录像会自动删除；需要保留的请先拷走",
                              "old recordings go by themselves; copy away what must stay");
    const auto reason = words(fmt::format("硬盘还能录 {:.0f} 小时", hours),
                              fmt::format("the disk has room for {:.0f} hours", hours));
    add("disk",
        hours < kLeast   ? Level::kRed
        : hours < wanted ? Level::kAmber
                         : Level::kGreen,
        reason, hours < wanted ? remedy : Words{});
  }

  void clock() {
    if (!sight_.is_clock_synchronised) return;
    if (*sight_.is_clock_synchronised)
      add("clock", Level::kGreen, words("时间已校准", "the clock is synchronised"));
    else
      add("clock", Level::kAmber,
          words("时间没有校准，记录的时刻可能不准",
                "the clock is not synchronised: recorded times may be wrong"),
          words("连接网络后会自动校准", "timedatectl status; it needs a time server"));
  }

  void shop() {
    if (sight_.is_shop_reachable)
      add("shop", Level::kGreen, words("店铺后台已连接", "the shop's server answers"));
    else
      add("shop", Level::kRed,
          words("连不上店铺后台，价格会显示为“以店铺页面为准”",
                "the shop's server does not answer (" + sight_.shop_fault + "): cards will be neutral"),
          words("检查网络；请技术员看后台地址和密码", "vitrinectl sync says why"));
  }

  void item(const PreflightSight::Item& seen) {
    const std::string id = fmt::format("item.{}", seen.segment);
    if (!seen.item) {
      block(id,
            words(fmt::format("{} 号商品在店铺里找不到", seen.number),
                  fmt::format("item {} is not in the shop", seen.number)),
            words("从流程里去掉，或在店铺上架", "take it out of the rundown, or list it in the shop"));
      return;
    }
    const std::string name = fmt::format("{:02} {}", seen.number, seen.item->title);
    const size_t before = preflight_.points.size();
    if (!seen.is_fresh)
      add(id + ".price", Level::kAmber,
          words(name + "：价格还没有和店铺核对", name + ": its price is not confirmed yet"),
          words("几秒后会自动核对", "it is read within seconds while the shop answers"));
    if (seen.item->stock == 0)
      add(id + ".stock", Level::kAmber,
          words(name + "：没有库存，会显示“已售罄”", name + ": nothing in stock, it will show as sold out"),
          words("补库存，或从流程里去掉", "restock it, or take it out of the rundown"));
    if (!seen.has_photo)
      add(id + ".photo", Level::kAmber, words(name + "：没有图片", name + ": no photo"),
          words("在店铺里补一张", "add one in the shop"));
    papers_of(id, name, seen);
    licences_of(id, name, *seen.item);
    if (preflight_.points.size() == before)
      add(id, Level::kGreen, words(name + "：齐全", name + ": complete"));
  }

  void papers_of(const std::string& id, const std::string& name, const PreflightSight::Item& seen) {
    if (seen.item->reference_price && !seen.has_reference)
      add(id + ".reference", Level::kAmber,
          words(name + "：划线价没有依据，不会显示",
                name + ": its struck-through price has no basis and is not shown"),
          words("在商品备注里填写依据和凭证", "put the basis and its evidence into the item's note"));
    if (!seen.notes || !seen.notes->producer)
      add(id + ".producer", Level::kAmber,
          words(name + "：没有填写生产者", name + ": its producer is not written down"),
          words("在商品备注里填写", "put it into the item's note"));
    for (const auto& paper : seen.bad_papers)
      block(id + ".certificate",
            words(fmt::format("{}：证书 {} 已失效", name, paper),
                  fmt::format("{}: certificate {} is not valid", name, paper)),
            words("换上有效的证书，或从流程里去掉",
                  "bring a valid one in, or take the item out of the rundown"));
    if (seen.notes && seen.notes->deposit && !(sight_.licence && is_valid(*sight_.licence)))
      block(id + ".deposit",
            words(name + "：收定金前必须出示有效执照",
                  name + ": a deposit may not be asked for without a valid licence"),
            words("在场次里选择有效的营业执照", "choose a valid business licence in the show's plan"));
  }

  void licences_of(const std::string& id, const std::string& name, const commerce::CatalogueItem& item) {
    for (const auto& [category, document] : config_.commerce.category_licences) {
      if (category != item.category) continue;
      const bool is_there = std::ranges::any_of(sight_.documents, [&, wanted = &document](const auto& entry) {
        return (entry.id == *wanted || to_string(entry.paper.value.kind) == *wanted) &&
               is_valid(entry.paper.value);
      });
      if (is_there) continue;
      block(
          id + ".licence." + document,
          words(fmt::format("{}：卖“{}”类商品要有有效的{}", name, category, chinese_name(document)),
                fmt::format("{}: goods of category \"{}\" need the document \"{}\", and none is valid today",
                            name, category, document)),
          words("录入有效的证件，或从流程里去掉",
                "bring a valid one in (vitrinectl document), take the item out of the rundown, or mend "
                "[[commerce.category_licence]] in vitrine.toml"));
    }
  }

  [[nodiscard]] bool is_valid(const commerce::Document& document) const {
    return document.state(local_day(sight_.now)) == commerce::Document::State::kValid;
  }

  void licence() {
    if (plan_.licence.empty()) {
      add("licence", Level::kAmber, words("本场没有选择营业执照", "the show shows no business licence"),
          words("在场次里选择一张", "choose one in the show's plan"));
      return;
    }
    if (!sight_.licence || !is_valid(*sight_.licence)) {
      block("licence", words("营业执照无效或已过期", "the business licence is not valid"),
            words("换上有效的执照", "bring the valid one in"));
      return;
    }
    add("licence", Level::kGreen,
        words("执照有效：" + sight_.licence->holder, "the licence is valid: " + sight_.licence->holder));
    if (plan_.payee.empty()) {
      add("payee", Level::kAmber, words("本场没有选择收款人", "the show names no payee"),
          words("在场次里选择", "choose one in the show's plan"));
      return;
    }
    if (!sight_.payee || sight_.payee->is_withdrawn || sight_.payee->name != sight_.licence->holder)
      block("payee",
            words("收款人与执照不是同一家公司",
                  fmt::format("the payee ({}) is not the licence's holder ({})",
                              sight_.payee ? sight_.payee->name : "none", sight_.licence->holder)),
            words("换成执照持有人的账户", "choose an account of the licence's holder"));
    else
      add("payee", Level::kGreen, words("收款人与执照一致", "the payee is the licence's holder"));
  }

  void destinations() {
    for (const auto& id : plan_.destinations)
      if (std::ranges::find(config_.destinations, id, &DestinationConfig::id) == config_.destinations.end())
        add("destination." + id, Level::kRed,
            words(
                fmt::format("本场要推的平台“{}”已经不在配置里，不会推流", id),
                fmt::format(
                    "destination \"{}\" of the show is not configured any more: nothing is sent to it", id)),
            words("在场次里去掉它，或请技术员恢复配置",
                  "take it out of the show's plan, or put its [[destination]] back into vitrine.toml"));
    if (sight_.destinations.is_null()) return;
    const auto checked = sight_.destinations.value("destinations", json::array());
    for (const auto& configured : config_.destinations) {
      if (!plan_.has_destination(configured)) continue;
      const std::string id = "destination." + configured.id;
      const std::string& name = configured.name;
      const auto destination = std::ranges::find_if(
          checked, [&](const json& each) { return each.value("id", "") == configured.id; });
      if (destination == checked.end()) {
        add(id, Level::kRed,
            words(name + "：直播引擎还不认识这个平台",
                  name + ": the studio runs with an older configuration"),
            words("请技术员重启直播引擎", "systemctl restart vitrine-studio"));
        continue;
      }
      const auto problems = destination->value("problems", json::array());
      const auto warnings = destination->value("warnings", json::array());
      const auto sentence = [&](const json& list) {
        return fmt::format("{}: {}: found {}, allowed {}", name, list[0].value("where", ""),
                           list[0].value("found", ""), list[0].value("allowed", ""));
      };
      if (!problems.empty())
        add(id, Level::kRed, words(name + "：现在推不出去", sentence(problems)),
            words("检查推流地址和密钥", "mend the address or the key; vitrinectl check says all of it"));
      else if (!warnings.empty())
        add(id, Level::kAmber, words(name + "：可能有问题", sentence(warnings)),
            words("看一眼平台的推流密钥是否快到期", "vitrinectl check says all of it"));
      else
        add(id, Level::kGreen, words(name + "：就绪", name + ": ready"));
    }
  }

  void uplink() {
    int64_t sum = 0;
    for (const auto& destination : config_.destinations)
      if (const auto* program = config_.find_program(destination.program);
          program != nullptr && plan_.has_destination(destination))
        sum += program->video_kbps + program->audio_kbps;
    if (sum == 0) return;
    const auto wanted = static_cast<int64_t>(static_cast<double>(sum) * (1 + kReservePercent / 100));
    const auto mbit = [](int64_t kbps) {
      return fmt::format("{:.1f} Mbit/s", static_cast<double>(kbps) / 1000);
    };
    if (!sight_.uplink)
      return add("uplink", Level::kAmber,
                 words("上行带宽还没测过，需要 " + mbit(wanted),
                       "the uplink was never measured; " + mbit(wanted) + " are needed"),
                 words("开播后会自动测量", "it is measured while a show is on"));
    const int64_t carried = sight_.uplink->bitrate_bps / 1000;
    const auto days = std::max<int64_t>(0, (sight_.now - sight_.uplink->at) / std::chrono::days(1));
    const std::string age_zh = days == 0 ? "（今天测得）" : fmt::format("（{} 天前测得）", days);
    const std::string age = days == 0 ? " (measured today)" : fmt::format(" (measured {} days ago)", days);
    if (!sight_.uplink->is_good(sight_.now))
      add("uplink", Level::kAmber,
          words(fmt::format("上行带宽 {} 是 {} 天前测的，太久了；需要 {}", mbit(carried), days, mbit(wanted)),
                fmt::format("the uplink carried {} {} days ago, which says little; {} are needed",
                            mbit(carried), days, mbit(wanted))),
          words("开播后会自动重新测量", "it is measured again while a show is on"));
    else if (carried < sum)
      // No more than the encoders made of the pictures there were: it need not be all that the uplink can.
      add("uplink", Level::kAmber,
          words(fmt::format("上行带宽只测到 {}，需要 {}{}", mbit(carried), mbit(wanted), age_zh),
                fmt::format("the uplink was seen to carry no more than {}, {} are needed{}", mbit(carried),
                            mbit(wanted), age)),
          words("开播前测一次网速；不够就减少平台或降低码率",
                "measure it before the show; if it is less: fewer destinations, or a lower video_kbps"));
    else if (carried < wanted)
      add("uplink", Level::kAmber,
          words("上行带宽余量不到三成" + age_zh,
                fmt::format("the uplink carried {}: less than 30 % above what is needed{}", mbit(carried),
                            age)),
          words("直播时不要下载或上传别的东西", "nothing else should use the network during the show"));
    else
      add("uplink", Level::kGreen,
          words("上行带宽足够" + age_zh, "the uplink carried " + mbit(carried) + age));
  }

  const ShowPlan& plan_;
  const PreflightSight& sight_;
  const Config& config_;
  Preflight preflight_;
};

}  // namespace

bool Preflight::blocks() const {
  return std::ranges::any_of(points, &Point::blocks);
}

Preflight::Level Preflight::level() const {
  auto worst = Level::kGreen;
  for (const auto& point : points) worst = std::max(worst, point.level);
  return worst;
}

json to_json(const Preflight& preflight) {
  const auto both = [](const Words& words) { return json{{"zh", words.zh}, {"en", words.en}}; };
  json points = json::array();
  for (const auto& point : preflight.points) {
    json body = {{"id", point.id},
                 {"level", kLevels.at(static_cast<size_t>(point.level))},
                 {"reason", both(point.reason)},
                 {"blocks", point.blocks}};
    if (!point.remedy.en.empty()) body["remedy"] = both(point.remedy);
    points.push_back(std::move(body));
  }
  return {{"level", kLevels.at(static_cast<size_t>(preflight.level()))},
          {"blocks", preflight.blocks()},
          {"points", std::move(points)}};
}

Preflight judge(const ShowPlan& plan, const PreflightSight& sight, const Config& config) {
  return Judge(plan, sight, config).judge();
}

}  // namespace vitrine::desk
