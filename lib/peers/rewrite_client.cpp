#include "lib/peers/rewrite_client.h"

namespace posthouse::peers {

namespace {

Failure wrong_count() {
  return Failure::deferred("4.3.0", "malformed answer of the rewrite service");
}

Deadline expiry(std::uint32_t max_age) {
  return std::chrono::steady_clock::now() + std::chrono::seconds(max_age);
}

std::string rewrite_key(std::string_view context, std::string_view address) {
  std::string key(context);
  key += '\0';
  key += address;
  return key;
}

std::string resolve_key(const ipc::ResolveQuery& query, std::string_view recipient, bool with_sender) {
  std::string key(query.is_probe ? "p" : "m");
  if (with_sender) key += query.sender;
  key += '\0';
  key += recipient;
  return key;
}

// Answers from the cache, and the questions that remain with their places.
template <class Value>
struct Partial {
  std::vector<Value> answers;
  std::vector<std::string> open;
  std::vector<std::size_t> places;
};

}  // namespace

RewriteClient::RewriteClient(const Services& services, std::size_t cache_limit)
    : client_(services.rewrite, services.keeping), rewritten_(cache_limit), resolved_(cache_limit) {}

// Two generations: when the recent one is full it becomes the older one, which is forgotten.
template <class Value>
const Value* RewriteClient::Cache<Value>::find(const std::string& key, Deadline now) const {
  for (const auto* generation : {&recent_, &older_}) {
    auto it = generation->find(key);
    if (it != generation->end()) return it->second.expires > now ? &it->second.value : nullptr;
  }
  return nullptr;
}

template <class Value>
void RewriteClient::Cache<Value>::store(const std::string& key, const Value& value, Deadline expires) {
  if (recent_.size() >= limit_ / 2) {
    older_ = std::move(recent_);
    recent_.clear();
  }
  recent_.insert_or_assign(key, Entry{value, expires});
}

Result<std::vector<std::string>> RewriteClient::rewrite(std::string_view context,
                                                        const std::vector<std::string>& addresses,
                                                        Deadline deadline) {
  const Deadline now = std::chrono::steady_clock::now();
  Partial<std::string> part;
  part.answers.resize(addresses.size());
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (const std::string* known = rewritten_.find(rewrite_key(context, addresses[i]), now)) {
      part.answers[i] = *known;
    } else {
      part.open.push_back(addresses[i]);
      part.places.push_back(i);
    }
  }
  if (part.open.empty()) return std::move(part.answers);
  const ipc::RewriteQuery query{.context = std::string(context), .addresses = part.open};
  auto reply = client_.ask<ipc::RewriteReply>(query, deadline);
  if (!reply) return fail(std::move(reply.error()));
  if (reply->addresses.size() != part.open.size()) return fail(wrong_count());
  for (std::size_t i = 0; i < part.open.size(); ++i) {
    if (reply->max_age > 0) {
      rewritten_.store(rewrite_key(context, part.open[i]), reply->addresses[i], expiry(reply->max_age));
    }
    part.answers[part.places[i]] = std::move(reply->addresses[i]);
  }
  return std::move(part.answers);
}

Result<std::string> RewriteClient::rewrite(std::string_view context, const std::string& address,
                                           Deadline deadline) {
  auto answers = rewrite(context, std::vector<std::string>{address}, deadline);
  if (!answers) return fail(std::move(answers.error()));
  return std::move(answers->front());
}

Result<std::vector<ipc::Resolved>> RewriteClient::resolve(const ipc::ResolveQuery& query, Deadline deadline) {
  const Deadline now = std::chrono::steady_clock::now();
  Partial<ipc::Resolved> part;
  part.answers.resize(query.recipients.size());
  for (std::size_t i = 0; i < query.recipients.size(); ++i) {
    if (const auto* known =
            resolved_.find(resolve_key(query, query.recipients[i], depends_on_sender_), now)) {
      part.answers[i] = *known;
    } else {
      part.open.push_back(query.recipients[i]);
      part.places.push_back(i);
    }
  }
  if (part.open.empty()) return std::move(part.answers);
  const ipc::ResolveQuery rest{.sender = query.sender, .recipients = part.open, .is_probe = query.is_probe};
  auto reply = client_.ask<ipc::ResolveReply>(rest, deadline);
  if (!reply) return fail(std::move(reply.error()));
  if (reply->results.size() != part.open.size()) return fail(wrong_count());
  depends_on_sender_ = !reply->is_for_any_sender;
  for (std::size_t i = 0; i < part.open.size(); ++i) {
    if (reply->max_age > 0) {
      resolved_.store(resolve_key(query, part.open[i], depends_on_sender_), reply->results[i],
                      expiry(reply->max_age));
    }
    part.answers[part.places[i]] = std::move(reply->results[i]);
  }
  return std::move(part.answers);
}

Result<ipc::Resolved> RewriteClient::resolve(std::string_view sender, const std::string& recipient,
                                             Deadline deadline) {
  const ipc::ResolveQuery query{.sender = std::string(sender), .recipients = {recipient}};
  auto answers = resolve(query, deadline);
  if (!answers) return fail(std::move(answers.error()));
  return std::move(answers->front());
}

}  // namespace posthouse::peers
