// SPDX-License-Identifier: Apache-2.0
#include "desk/api/problem.h"

namespace vitrine::desk {
namespace {

struct Titles {
  const char* english;
  const char* chinese;
};

Titles titles_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUnknown:
      return {"It failed, and nobody knows why", "出错了，原因不明"};
    case ErrorCode::kInvalidInput:
      return {"A value was refused", "内容有误，未被接受"};
    case ErrorCode::kStaleRevision:
      return {"Somebody else has changed it meanwhile", "内容已被他人修改，请刷新后再试"};
    case ErrorCode::kNotFound:
      return {"There is no such thing", "找不到该内容"};
    case ErrorCode::kNoDevice:
      return {"The device is not plugged in", "设备未连接"};
    case ErrorCode::kNoSignal:
      return {"The device gives no signal", "设备没有信号"};
    case ErrorCode::kDeviceBusy:
      return {"It is in use, or something else is under way", "正在使用中，请稍后再试"};
    case ErrorCode::kUnsupportedFormat:
      return {"This format is not taken", "不支持该格式"};
    case ErrorCode::kResolveFailed:
      return {"The other server's name has no address", "无法解析对方服务器的地址"};
    case ErrorCode::kConnectRefused:
      return {"The other side can't be reached", "无法连接对方"};
    case ErrorCode::kTlsFailed:
      return {"No safe connection to the other server", "无法建立安全连接"};
    case ErrorCode::kAuthRejected:
      return {"The other server refused our key", "对方服务器拒绝了密钥"};
    case ErrorCode::kRateLimited:
      return {"Too often; wait", "操作太频繁，请稍后再试"};
    case ErrorCode::kIngestBusy:
      return {"The platform holds the previous session", "平台仍保留上一场直播，请稍候"};
    case ErrorCode::kIngestDisconnected:
      return {"The platform ended the stream", "平台断开了推流"};
    case ErrorCode::kProtocol:
      return {"The other side answered what can't be understood", "对方的回应无法识别"};
    case ErrorCode::kEncodeFailed:
      return {"The encoder failed", "编码失败"};
    case ErrorCode::kRenderFailed:
      return {"The picture could not be drawn", "画面绘制失败"};
    case ErrorCode::kDiskFull:
      return {"No room on the disk", "磁盘空间不足"};
    case ErrorCode::kIo:
      return {"The disk or a device failed", "磁盘或设备读写失败"};
    case ErrorCode::kPermission:
      return {"Not allowed", "没有权限"};
    case ErrorCode::kTimeout:
      return {"No answer in time", "等待超时"};
    case ErrorCode::kStopped:
      return {"It was ended", "已停止"};
    case ErrorCode::kWorkerDied:
      return {"A part of the box crashed and is started again", "内部模块异常，正在重启"};
  }
  return {"It failed", "出错了"};
}

/// Of what HTTP itself refuses.
std::optional<Titles> titles_of(int status) {
  switch (status) {
    case 400:
      return Titles{"The request can't be read", "请求格式有误"};
    case 401:
      return Titles{"Log in first", "请先登录"};
    case 404:
      return Titles{"There is no such thing", "找不到该内容"};
    case 405:
      return Titles{"The method is not allowed here", "不支持该操作方式"};
    case 411:
      return Titles{"The length is missing", "请求缺少长度"};
    case 413:
      return Titles{"It is too large", "内容过大"};
    case 415:
      return Titles{"This type of content is not taken", "不支持该内容类型"};
    case 417:
      return Titles{"The expectation can't be met", "无法满足请求的要求"};
    case 421:
      return Titles{"The box does not go by this name", "本机不接受该访问地址"};
    case 426:
      return Titles{"WebSocket only", "仅支持 WebSocket"};
    case 431:
      return Titles{"The header is too large", "请求头过大"};
    case 503:
      return Titles{"Too much at once; try again", "请求过多，请稍后再试"};
    case 505:
      return Titles{"Another version of HTTP", "不支持的 HTTP 版本"};
    default:
      return std::nullopt;
  }
}

ApiAnswer details(int status, const Titles& titles, const Error& error) {
  ApiAnswer answer;
  answer.status = status;
  answer.content_type = "application/problem+json";
  const std::string code(to_string(error.code));
  answer.body = {{"type", "urn:vitrine:error:" + code},
                 {"title", titles.english},
                 {"title_zh", titles.chinese},
                 {"status", status},
                 {"detail", error.message},
                 {"code", code}};
  for (const auto& each : error.problems)
    answer.body["problems"].push_back(
        {{"where", each.where}, {"found", each.found}, {"allowed", each.allowed}});
  return answer;
}

}  // namespace

int status_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return 400;
    case ErrorCode::kPermission:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kStaleRevision:
    case ErrorCode::kNoDevice:
    case ErrorCode::kNoSignal:
    case ErrorCode::kDeviceBusy:
    case ErrorCode::kIngestBusy:
    case ErrorCode::kIngestDisconnected:
    case ErrorCode::kStopped:
      return 409;
    case ErrorCode::kUnsupportedFormat:
      return 415;
    case ErrorCode::kRenderFailed:
      return 422;
    case ErrorCode::kRateLimited:
      return 429;
    case ErrorCode::kResolveFailed:
    case ErrorCode::kConnectRefused:
    case ErrorCode::kTlsFailed:
    case ErrorCode::kAuthRejected:
    case ErrorCode::kProtocol:
      return 502;
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kDiskFull:
      return 507;
    case ErrorCode::kUnknown:
    case ErrorCode::kEncodeFailed:
    case ErrorCode::kIo:
    case ErrorCode::kWorkerDied:
      return 500;
  }
  return 500;
}

ApiAnswer problem(const Error& error) {
  return details(status_of(error.code), titles_of(error.code), error);
}

ApiAnswer problem(int status, const Error& error) {
  return details(status, titles_of(status).value_or(titles_of(error.code)), error);
}

}  // namespace vitrine::desk
