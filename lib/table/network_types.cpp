// tcp and socketmap: simple lookup protocols over a kept connection. Not for security-sensitive tables.
#include <fmt/format.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/table/stream_pool.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

constexpr std::chrono::seconds kTimeout{100};
constexpr std::size_t kTcpLine = 4096;
constexpr std::size_t kSocketmapReply = 100'000;

Failure sensitive(std::string_view type, std::string_view name) {
  return Failure::deferred("4.3.5",
                           fmt::format("{}:{} is not allowed for security-sensitive data", type, name));
}

std::string percent_encoded(std::string_view text) {
  std::string out;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 32 || byte >= 127 || c == '%')
      out += fmt::format("%{:02X}", byte);
    else
      out += c;
  }
  return out;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const char* end = text.data() + std::min(i + 3, text.size());
    if (std::from_chars(text.data() + i + 1, end, value, 16).ptr != text.data() + i + 3) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

class TcpTable : public Table {
 public:
  TcpTable(std::string_view name, Flag flags, Endpoint endpoint)
      : Table("tcp", std::string(name), flags), pool_(std::move(endpoint)) {}
  bool is_pattern() const override { return true; }
  bool may_wait() const override { return true; }

 protected:
  // A server that cannot be reached is tried again a few times, a second apart.
  Lookup find(std::string_view key) override {
    const Deadline deadline = deadline_after(kTimeout);
    const std::string request = "get " + percent_encoded(key) + "\n";
    Failure last;
    for (int i = 0; i < kTries; ++i) {
      if (i > 0 && runtime::sleep_for(kPause) != runtime::Wake::timeout) break;
      auto line = pool_.ask<std::string>(
          [&](runtime::Stream& stream, Deadline until) -> Result<std::string> {
            if (auto sent = send(stream, request, until); !sent) return fail(std::move(sent.error()));
            return read_line(stream, kTcpLine, until);
          },
          deadline);
      if (line) return answer(*line);
      last = std::move(line.error());
      log::warning("TCP map {}: {}", name(), last.text);
    }
    return last;
  }

 private:
  static constexpr int kTries = 3;
  static constexpr std::chrono::seconds kPause{1};

  Lookup answer(std::string_view line) const {
    const auto code = parse_int<int>(line.substr(0, 3));
    const bool is_formed = code && line.size() > 3 && line[3] == ' ';
    auto text = is_formed ? percent_decoded(trim(line.substr(4))) : std::nullopt;
    if (text && code == 200) return std::move(*text);
    if (text && code == 500) return NotFound{};
    if (text && code == 400) return Failure::deferred("4.3.0", std::move(*text));
    const auto what = text ? "bad status code" : "malformed reply";
    log::warning("read TCP map reply from {}: {}: {}", name(), what, line.substr(0, 100));
    return Failure::deferred("4.3.0", what);
  }

  StreamPool pool_;
};

class SocketmapTable : public Table {
 public:
  SocketmapTable(std::string_view name, Flag flags, Endpoint endpoint, std::string map)
      : Table("socketmap", std::string(name), flags), pool_(std::move(endpoint)), map_(std::move(map)) {}
  bool is_pattern() const override { return true; }
  bool may_wait() const override { return true; }

 protected:
  Lookup find(std::string_view key) override {
    const std::string question = fmt::format("{} {}", map_, key);
    const std::string request = fmt::format("{}:{},", question.size(), question);
    auto reply = pool_.ask<std::string>(
        [&](runtime::Stream& stream, Deadline until) -> Result<std::string> {
          if (auto sent = send(stream, request, until); !sent) return fail(std::move(sent.error()));
          return read_netstring(stream, until);
        },
        deadline_after(kTimeout));
    if (reply) return answer(*reply);
    log::warning("table {} lookup error: {}", spec(), reply.error().text);
    return std::move(reply.error());
  }

 private:
  static Result<std::string> read_netstring(runtime::Stream& stream, Deadline deadline) {
    std::string digits;
    for (;;) {
      auto byte = read_bytes(stream, 1, deadline);
      if (!byte) return byte;
      if (*byte == ":") break;
      digits += *byte;
      if (digits.size() > 7) return fail(Failure::deferred("4.3.0", "malformed reply"));
    }
    const auto size = parse_int<std::size_t>(digits);
    if (!size || *size > kSocketmapReply) return fail(Failure::deferred("4.3.0", "malformed reply"));
    auto text = read_bytes(stream, *size + 1, deadline);
    if (text && text->back() != ',') return fail(Failure::deferred("4.3.0", "malformed reply"));
    if (text) text->pop_back();
    return text;
  }
  Lookup answer(const std::string& reply) const {
    const auto space = reply.find(' ');
    const auto word = reply.substr(0, space);
    std::string text = space == std::string::npos ? "" : reply.substr(space + 1);
    if (word == "OK") return text;
    if (word == "NOTFOUND") return NotFound{};
    if (word == "TEMP" || word == "TIMEOUT" || word == "PERM") {
      const auto kind = word == "PERM" ? "permanent" : word == "TEMP" ? "temporary" : "timeout";
      log::warning("{} socketmap server {} error{}{}", spec(), kind, text.empty() ? "" : ": ", text);
      return Failure::deferred(word == "PERM" ? "4.3.5" : "4.3.0", std::move(text));
    }
    log::warning("{} socketmap server unknown error{}{:.100}", spec(), text.empty() ? "" : ": ", text);
    return Failure::deferred("4.3.0", "unknown reply");
  }

  StreamPool pool_;
  std::string map_;
};

}  // namespace

Opened open_tcp(Tables&, std::string_view name, Flag flags) {
  if (has(flags, Flag::no_untrusted)) return fail(sensitive("tcp", name));
  auto endpoint = parse_endpoint(name, name.find(':') == std::string_view::npos ? name : "");
  if (!endpoint) return fail(Failure::deferred("4.3.5", fmt::format("tcp:{}: host:port is expected", name)));
  return std::make_unique<TcpTable>(name, flags, std::move(*endpoint));
}

Opened open_socketmap(Tables&, std::string_view name, Flag flags) {
  if (has(flags, Flag::no_untrusted)) return fail(sensitive("socketmap", name));
  const auto colon = name.rfind(':');
  const auto endpoint =
      colon == std::string_view::npos ? std::nullopt : parse_endpoint(name.substr(0, colon));
  if (!endpoint || colon + 1 == name.size())
    return fail(Failure::deferred("4.3.5", "socketmap requires server:socketmap argument"));
  return std::make_unique<SocketmapTable>(name, flags, *endpoint, std::string(name.substr(colon + 1)));
}

}  // namespace posthouse::table
