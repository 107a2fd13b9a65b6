#include "lib/ipc/dispatcher.h"

namespace posthouse::ipc {

namespace {

// What the fibers of one connection share; outlives the connection when the peer leaves early.
struct Shared {
  Connection* connection;  // null once serve() has returned
  std::string replies;
  std::size_t working = 0;
  bool is_malformed = false;
  runtime::Signal changed;
  bool is_flushing = false;
  runtime::IdleScope* idle = nullptr;  // of the wait for the next question

  // The wait may be cut once everything that was asked is answered, whichever comes last.
  void update_idle() {
    if (idle != nullptr && connection != nullptr)
      idle->set(working == 0 && !is_flushing && connection->stream().buffered().empty());
  }
};

runtime::Io wait_for_question(Connection& connection, Shared& shared, Duration idle_limit) {
  return fill_until_drained(connection.stream(), [&] {
    runtime::IdleScope idle;
    shared.idle = &idle;
    shared.update_idle();
    const auto io = connection.stream().fill(deadline_after(idle_limit), kFrameLimit + 16);
    shared.idle = nullptr;
    return io;
  });
}

void flush_replies(const std::shared_ptr<Shared>& shared) {
  while (shared->connection && !shared->replies.empty()) {
    shared->connection->stream().write(std::exchange(shared->replies, {}));
    const auto flushed = shared->connection->flush(deadline_after(std::chrono::seconds(100)));
    if (!flushed) break;
  }
  shared->is_flushing = false;
  shared->update_idle();
  shared->changed.notify_all();
}

}  // namespace

Result<void> Dispatcher::serve(Connection& connection, Duration idle_limit, std::size_t limit) const {
  const auto shared = std::make_shared<Shared>(&connection);
  Result<void> result;
  for (;;) {
    std::size_t consumed = 0;
    auto frame = parse_frame(connection.stream().buffered(), consumed);
    if (!frame) {
      result = fail(frame.error());
      break;
    }
    if (!*frame) {
      if (wait_for_question(connection, *shared, idle_limit) != runtime::Io::ok) break;
      continue;
    }
    connection.stream().consume(consumed);
    const auto handler = handlers_.find((*frame)->name);
    if (handler == handlers_.end()) {
      result = fail(Failure::deferred("4.3.0", "unknown message \"" + (*frame)->name + "\""));
      break;
    }
    while (shared->working >= limit &&
           shared->changed.wait(deadline_after(idle_limit)) == runtime::Wake::ready) {
    }
    ++shared->working;
    runtime::spawn([shared, handler = handler->second, question = std::move(**frame)] {
      if (!handler(question, shared->replies)) shared->is_malformed = true;
      --shared->working;
      shared->changed.notify_all();
      if (!shared->is_flushing) {
        shared->is_flushing = true;
        flush_replies(shared);
      }
    });
  }
  // Questions at work are answered before the connection goes; a flusher must not lose it under its feet.
  while (shared->working > 0 || shared->is_flushing) {
    if (shared->changed.wait(deadline_after(idle_limit)) != runtime::Wake::ready) break;
  }
  shared->connection = nullptr;
  while (shared->is_flushing && shared->changed.wait(kNever) == runtime::Wake::ready) {
  }
  if (result && shared->is_malformed) result = fail(Failure::deferred("4.3.0", "malformed question"));
  return result;
}

}  // namespace posthouse::ipc
