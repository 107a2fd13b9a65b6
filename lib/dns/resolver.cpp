#include "lib/dns/resolver.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unbound.h>

#include <algorithm>

#include "lib/base/text.h"
#include "lib/log/log.h"
#include "lib/mail/idn.h"
#include "lib/runtime/fiber.h"
#include "lib/runtime/watch.h"

namespace posthouse::dns {
namespace {

struct ContextCloser {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using Context = std::unique_ptr<ub_ctx, ContextCloser>;

Failure setting_failure(std::string_view what, int error) {
  return Failure::deferred("4.3.5", fmt::format("DNS resolver: {}: {}", what, ub_strerror(error)));
}

// Names that libunbound answers by itself unless told otherwise, but that a site's own server may know.
constexpr const char* kSiteZones[] = {"test.", "invalid.", "home.arpa.", "onion.", "127.in-addr.arpa."};

// Must be last: it ends the time in which settings may change.
int open_site_zones(ub_ctx* context) {
  int error = 0;
  for (const char* zone : kSiteZones)
    if (error == 0) error = ub_ctx_zone_add(context, zone, "transparent");
  return error;
}

int configure(ub_ctx* context) {
  int error = ub_ctx_async(context, 1);
  const auto set = [&](const char* name, const char* value) {
    if (error == 0) error = ub_ctx_set_option(context, name, value);
  };
  set("do-not-query-localhost:", "no");
  set("unblock-lan-zones:", "yes");
  set("insecure-lan-zones:", "yes");
  set("use-caps-for-id:", "no");
  return error;
}

}  // namespace

std::optional<std::string> forwarder_of(std::string_view server) {
  std::string_view address = server;
  std::string_view port = "53";
  if (server.starts_with('[')) {
    const std::size_t close = server.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    address = server.substr(1, close - 1);
    if (close + 1 < server.size()) {
      if (server[close + 1] != ':') return std::nullopt;
      port = server.substr(close + 2);
    }
  } else if (std::ranges::count(server, ':') == 1) {
    address = server.substr(0, server.find(':'));
    port = server.substr(server.find(':') + 1);
  }
  unsigned char bytes[16];
  const std::string text(address);
  const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (::inet_pton(family, text.c_str(), bytes) != 1 || parse_int<std::uint16_t>(port).value_or(0) == 0)
    return std::nullopt;
  return fmt::format("{}@{}", address, port);
}

// Fibers wait for their own Pending; one pump fiber reads answers from libunbound while any is awaited.
struct Resolver::State {
  struct Pending {
    State* owner = nullptr;
    int id = 0;
    int error = 0;
    bool done = false;
    bool bogus = false;
    bool secure = false;
    std::string packet;
    runtime::Signal answered;
  };

  Context context;
  bool idna2003 = false;
  std::unique_ptr<runtime::Watch> watch;
  std::size_t awaited = 0;
  bool is_pumping = false;
  runtime::Fiber pump_fiber;

  static void take(void* pending_pointer, int error, ub_result* result);
  void pump();
  void stop_pump() {
    if (std::exchange(is_pumping, false)) pump_fiber.cancel();
  }
};

void Resolver::State::take(void* pending_pointer, int error, ub_result* result) {
  auto& pending = *static_cast<Pending*>(pending_pointer);
  pending.done = true;
  pending.error = error;
  if (error == 0 && result != nullptr) {
    pending.bogus = result->bogus != 0;
    pending.secure = result->secure != 0;
    pending.packet.assign(static_cast<const char*>(result->answer_packet),
                          static_cast<std::size_t>(result->answer_len));
  }
  if (result != nullptr) ub_resolve_free(result);
  pending.answered.notify_all();
}

// libunbound's own time limits bound every query, so the long deadline is only a backstop.
void Resolver::State::pump() {
  while (awaited > 0) {
    if (ub_poll(context.get()) == 0 &&
        watch->readable(deadline_after(std::chrono::seconds(60))) == runtime::Wake::cancelled)
      return;  // who cancels it has already taken it off
    ub_process(context.get());
  }
  is_pumping = false;
}

Resolver::Resolver(std::shared_ptr<State> state) : state_(std::move(state)) {}

Resolver::~Resolver() {
  state_->stop_pump();
}

Result<std::unique_ptr<Resolver>> Resolver::create(const ResolverSettings& settings) {
  auto state = std::make_shared<State>();
  state->idna2003 = settings.idna2003;
  state->context.reset(ub_ctx_create());
  if (!state->context) return fail(Failure::deferred("4.3.0", "DNS resolver: out of memory"));
  if (const int error = configure(state->context.get()); error != 0)
    return fail(setting_failure("configure", error));
  const auto servers = split_any(settings.servers);
  for (std::string_view server : servers) {
    const auto forwarder = forwarder_of(server);
    if (!forwarder)
      return fail(Failure::deferred("4.3.5", fmt::format("DNS resolver: bad server address: {}", server)));
    if (const int error = ub_ctx_set_fwd(state->context.get(), forwarder->c_str()); error != 0)
      return fail(setting_failure(server, error));
  }
  // Without any usable server in resolv.conf libunbound asks the root servers.
  if (servers.empty()) ub_ctx_resolvconf(state->context.get(), settings.resolv_conf.c_str());
  if (const int error = open_site_zones(state->context.get()); error != 0)
    return fail(setting_failure("zones", error));
  return std::unique_ptr<Resolver>(new Resolver(std::move(state)));
}

namespace {

void read_answer(Reply& reply, std::string_view packet, bool secure) {
  Message message = parse_message(packet, reply.type);
  reply.malformed = message.malformed;
  if (message.malformed) return;
  if (message.too_many)
    log::warning("answer for name={} type={}: records beyond the first {} ignored", reply.name,
                 name_of(reply.type), kRecordLimit);
  reply.final_name = std::move(message.final_name);
  reply.is_secure = secure;
  if (message.rcode == 3) {
    reply.outcome = Outcome::no_host;
  } else if (message.rcode == 0) {
    reply.records = std::move(message.records);
    reply.outcome = reply.records.empty() ? Outcome::no_data : Outcome::found;
  }
}

}  // namespace

Reply Resolver::query(std::string_view name, Type type, Deadline deadline) {
  Reply reply{
      .outcome = Outcome::no_host, .name = std::string(name), .type = type, .final_name = {}, .records = {}};
  const auto ascii = mail::to_ascii_domain(name, state_->idna2003);
  if (!ascii) return reply;
  reply.name = *ascii;
  name = *ascii;
  while (name.ends_with('.')) name.remove_suffix(1);
  if (!is_queryable(name)) return reply;
  reply.outcome = Outcome::temporary;

  State& state = *state_;
  State::Pending pending;
  pending.owner = &state;
  if (ub_resolve_async(state.context.get(), std::string(name).c_str(), static_cast<int>(type), 1, &pending,
                       &State::take, &pending.id) != 0)
    return reply;
  if (!state.watch) state.watch = std::make_unique<runtime::Watch>(ub_fd(state.context.get()));
  ++state.awaited;
  if (!std::exchange(state.is_pumping, true)) {
    state.pump_fiber = runtime::spawn([kept = state_] { kept->pump(); });
  }
  while (!pending.done && pending.answered.wait(deadline) == runtime::Wake::ready) {
  }
  --state.awaited;
  if (!pending.done) {
    ub_cancel(state.context.get(), pending.id);
    // The pump would sleep on with nothing to wait for.
    if (state.awaited == 0) state.stop_pump();
    return reply;
  }
  if (pending.error == 0 && !pending.bogus) read_answer(reply, pending.packet, pending.secure);
  return reply;
}

}  // namespace posthouse::dns
