#include "lib/table/redis/client.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include "lib/log/log.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kReplyLimit = 1024 * 1024;

struct FreeReader {
  void operator()(redisReader* reader) const { ::redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(void* reply) const { ::freeReplyObject(reply); }
};

std::string formatted(const std::vector<std::string>& words) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* raw = nullptr;
  const auto size =
      ::redisFormatCommandArgv(&raw, static_cast<int>(words.size()), texts.data(), sizes.data());
  std::string out;
  if (size > 0) out.assign(raw, static_cast<std::size_t>(size));
  if (raw != nullptr) ::redisFreeCommand(raw);
  return out;
}

struct Answer {
  std::optional<std::string> error;  // the server's own
  RedisReply reply;
};

std::string text_of(const redisReply& reply) {
  return {reply.str, reply.len};
}

Answer take(const redisReply& reply) {
  Answer out;
  switch (reply.type) {
    case REDIS_REPLY_ERROR:
      out.error = text_of(reply);
      break;
    case REDIS_REPLY_INTEGER:
      out.reply.integer = reply.integer;
      break;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out.reply.text = text_of(reply);
      break;
    case REDIS_REPLY_ARRAY:
      // The only arrays asked for are those of scans: position and elements.
      if (reply.elements == 2 && reply.element[0]->type == REDIS_REPLY_STRING &&
          reply.element[1]->type == REDIS_REPLY_ARRAY) {
        out.reply.text = text_of(*reply.element[0]);
        for (std::size_t i = 0; i < reply.element[1]->elements; ++i) {
          const redisReply& item = *reply.element[1]->element[i];
          if (item.type == REDIS_REPLY_STRING) out.reply.list.push_back(text_of(item));
        }
      }
      break;
    default:
      break;
  }
  return out;
}

Failure no_answer(runtime::Io io) {
  return Failure::deferred("4.3.0",
                           io == runtime::Io::timeout ? "the server does not answer" : "lost connection");
}

Result<Answer> converse(runtime::TlsStream& stream, const std::string& request, Deadline deadline) {
  stream.write(request);
  if (const auto io = stream.flush(deadline); io != runtime::Io::ok) return fail(no_answer(io));
  const std::unique_ptr<redisReader, FreeReader> reader(::redisReaderCreate());
  std::size_t total = 0;
  for (;;) {
    if (stream.buffered().empty()) {
      if (const auto io = stream.fill(deadline); io != runtime::Io::ok) return fail(no_answer(io));
    }
    const auto bytes = stream.buffered();
    total += bytes.size();
    if (::redisReaderFeed(reader.get(), bytes.data(), bytes.size()) != REDIS_OK || total > kReplyLimit)
      return fail(Failure::deferred("4.3.0", "malformed or too long reply"));
    stream.consume(bytes.size());
    void* raw = nullptr;
    if (::redisReaderGetReply(reader.get(), &raw) != REDIS_OK)
      return fail(Failure::deferred("4.3.0", std::string("malformed reply: ") + reader->errstr));
    if (raw == nullptr) continue;
    const std::unique_ptr<void, FreeReply> owner(raw);
    return take(*static_cast<redisReply*>(raw));
  }
}

}  // namespace

Result<RedisSettings> redis_settings(const ClientConfig& config) {
  RedisSettings out;
  out.hosts = config.text("hosts", "localhost:6379");
  out.user = config.text("user");
  out.password = config.text("password");
  out.database = config.number("database", 0, 0, 1'000'000);
  out.timeout = std::chrono::seconds(config.number("timeout", 5, 1, 3600));
  out.retry_interval = std::chrono::seconds(config.number("retry_interval", 60, 1, 86400));
  if (!config.yes_no("tls", false)) return out;
  auto tls = runtime::TlsClient::create({.ca_file = config.text("tls_CAfile"),
                                         .ca_path = config.text("tls_CApath"),
                                         .certificate_file = config.text("tls_cert_file"),
                                         .key_file = config.text("tls_key_file"),
                                         .verifies = config.yes_no("tls_verify_cert", true)});
  if (!tls)
    return fail(Failure::deferred("4.3.5", fmt::format("redis:{}: {}", config.name(), tls.error().text)));
  out.tls = std::move(*tls);
  return out;
}

RedisClient::RedisClient(std::string title, RedisSettings settings)
    : title_(std::move(title)),
      settings_(std::move(settings)),
      servers_(settings_.hosts, settings_.retry_interval) {
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    auto endpoint =
        parse_endpoint(servers_.name(i), "6379").value_or(Endpoint{servers_.name(i), false, "", ""});
    const std::string host = endpoint.is_unix ? "localhost" : endpoint.host;
    pools_.push_back(std::make_unique<BasicStreamPool<runtime::TlsStream>>(
        std::move(endpoint), [this, host](runtime::TlsStream& stream, Deadline deadline) {
          return greet(stream, host, deadline);
        }));
  }
}

Result<void> RedisClient::greet(runtime::TlsStream& stream, const std::string& host,
                                Deadline deadline) const {
  if (settings_.tls) {
    if (auto started = stream.start_tls(*settings_.tls, host, deadline); !started) return started;
  }
  std::vector<std::vector<std::string>> commands;
  if (!settings_.password.empty() && settings_.user.empty()) commands.push_back({"AUTH", settings_.password});
  if (!settings_.password.empty() && !settings_.user.empty())
    commands.push_back({"AUTH", settings_.user, settings_.password});
  if (settings_.database != 0) commands.push_back({"SELECT", std::to_string(settings_.database)});
  for (const auto& words : commands) {
    auto answer = converse(stream, formatted(words), deadline);
    if (!answer) return fail(std::move(answer.error()));
    if (answer->error) return fail(Failure::deferred("4.3.0", words[0] + " failed: " + *answer->error));
  }
  return {};
}

Result<RedisReply> RedisClient::command(const std::vector<std::string>& words) {
  const std::string request = formatted(words);
  std::string last = "all servers are down";
  for (std::size_t index : servers_.candidates(std::chrono::steady_clock::now())) {
    auto answer = pools_[index]->ask<Answer>(
        [&](runtime::TlsStream& stream, Deadline until) { return converse(stream, request, until); },
        deadline_after(settings_.timeout));
    if (answer && !answer->error) {
      servers_.succeeded(index);
      return std::move(answer->reply);
    }
    last = answer ? *answer->error : answer.error().text;
    log::warning("{}: server {}: {}", title_, servers_.name(index), last);
    if (answer) break;
    servers_.failed(index, std::chrono::steady_clock::now());
  }
  return fail(Failure::deferred("4.3.0", last));
}

}  // namespace posthouse::table
