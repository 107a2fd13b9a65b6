#include "lib/delivery/pass.h"

#include "lib/log/log.h"

namespace posthouse::delivery {
namespace {

using namespace std::chrono_literals;

constexpr auto kConnectTimeout = 60s;
constexpr auto kDeliveryTimeout = 18000s;

}  // namespace

ipc::Pool& Passer::pool(const std::string& transport) {
  auto& slot = agents_[transport];
  if (!slot) slot = std::make_unique<ipc::Pool>("private/" + transport, services_.keeping);
  return *slot;
}

// A kept connection may have ended: then once more on a new one, where recipients that are marked are
// skipped.
Result<ipc::DeliveryReply> Passer::ask(const ipc::DeliveryRequest& request) {
  ipc::Pool& agents = pool(request.transport);
  for (bool is_again = false;; is_again = true) {
    auto connection = agents.begin(request, services_.deadline(kConnectTimeout));
    if (!connection) return fail(connection.error());
    auto reply = connection->expect<ipc::DeliveryReply>(deadline_after(kDeliveryTimeout));
    if (reply) {
      agents.give_back(std::move(*connection));
      return reply;
    }
    if (is_again || !connection->was_closed_by_peer(reply.error())) return reply;
  }
}

void Passer::pass(Attempt& attempt, std::span<const std::size_t> recipients, std::string_view destination,
                  const Relay& relay, std::string_view address) {
  if (recipients.empty()) return;
  const std::size_t colon = destination.find(':');
  ipc::DeliveryRequest request = attempt.request;
  request.transport = std::string(destination.substr(0, colon));
  if (colon != std::string_view::npos && colon + 1 < destination.size())
    request.nexthop = std::string(destination.substr(colon + 1));
  request.recipients.clear();
  for (std::size_t index : recipients) {
    ipc::DeliveryRecipient recipient = attempt.request.recipients[index];
    if (!address.empty()) recipient.address = address;
    log::info("{}: passing <{}> to transport={}", request.queue_id, attempt.results.in_log(recipient.address),
              request.transport);
    request.recipients.push_back(std::move(recipient));
  }
  const auto reply = ask(request);
  if (reply && reply->outcomes.size() == recipients.size()) {
    for (std::size_t i = 0; i < recipients.size(); ++i)
      attempt.results.recorded_elsewhere(recipients[i], reply->outcomes[i]);
    return;
  }
  if (!reply) log::warning("{}", reply.error().text);
  for (std::size_t index : recipients)
    attempt.results.failed(index, relay, Failure::deferred("4.3.0", "mail transport unavailable"));
}

}  // namespace posthouse::delivery
