#include "lib/ipc/client.h"

#include <sys/socket.h>

#include <algorithm>
#include <unordered_map>

namespace posthouse::ipc {

namespace {

Failure unreachable(const std::string& path, const Failure& why) {
  return Failure::deferred("4.3.0", "connect to " + path + ": " + why.text);
}

struct Question {
  runtime::Signal answered;
  std::optional<Result<Frame>> answer;
};

// One connection and the fiber that reads its replies. Shared by the askers and the reader.
struct Line {
  explicit Line(runtime::Stream stream) : connection(std::move(stream)) {}

  void finish_all(const Failure& why) {
    is_broken = true;
    for (auto& [id, question] : open) {
      question->answer = fail(why);
      question->answered.notify_all();
    }
    open.clear();
  }

  Connection connection;
  std::unordered_map<std::uint32_t, Question*> open;
  std::uint32_t last_id = 0;
  bool is_broken = false;
  bool is_flushing = false;
  runtime::Fiber reader;
};

// Replies are read without the flush of Connection::receive: askers flush for themselves. Ends when nothing
// has been asked for `idle`.
void read_replies(const std::shared_ptr<Line>& line, Duration idle) {
  runtime::Stream& stream = line->connection.stream();
  for (;;) {
    std::size_t consumed = 0;
    auto frame = parse_frame(stream.buffered(), consumed);
    if (!frame) return line->finish_all(frame.error());
    if (!*frame) {
      const runtime::Io io = stream.fill(deadline_after(idle), kFrameLimit + 16);
      const bool is_in_use = !line->open.empty() || line->is_flushing;
      if (io == runtime::Io::ok || (io == runtime::Io::timeout && is_in_use)) continue;
      line->finish_all(Failure::deferred("4.4.2", "lost connection"));
      if (io == runtime::Io::timeout) stream.close();
      return;
    }
    stream.consume(consumed);
    const auto place = line->open.find((*frame)->id);
    if (place == line->open.end()) continue;  // its asker gave up
    place->second->answer = std::move(**frame);
    place->second->answered.notify_all();
    line->open.erase(place);
  }
}

}  // namespace

struct Client::State {
  State(std::string socket_path, Keeping kept) : path(std::move(socket_path)), keeping(kept) {}

  std::string path;
  Keeping keeping;
  std::shared_ptr<Line> line;
  bool is_connecting = false;
  runtime::Signal connected;

  Result<std::shared_ptr<Line>> usable_line(Deadline deadline);
  // A line that has served long enough is used no more; its reader ends when the last answer has come.
  void retire_old_line();
  void start_flush(const std::shared_ptr<Line>& used);
};

Client::Client(std::string path, Keeping keeping)
    : state_(std::make_shared<State>(std::move(path), keeping)) {}

Client::~Client() {
  disconnect();
}

void Client::disconnect() {
  if (state_->line) state_->line->reader.cancel();
  state_->line.reset();
}

void Client::State::retire_old_line() {
  if (!line || line->is_broken || line->connection.age() < keeping.lifetime) return;
  if (line->open.empty() && !line->is_flushing) line->reader.cancel();
  line.reset();
}

Result<std::shared_ptr<Line>> Client::State::usable_line(Deadline deadline) {
  while (is_connecting) {
    if (connected.wait(deadline) != runtime::Wake::ready) return fail(Failure::deferred("4.4.2", "timeout"));
  }
  retire_old_line();
  if (line && !line->is_broken) return line;
  is_connecting = true;
  auto stream = runtime::connect_unix(path, deadline);
  is_connecting = false;
  connected.notify_all();
  if (!stream) return fail(unreachable(path, stream.error()));
  line = std::make_shared<Line>(std::move(*stream));
  line->reader = runtime::spawn([line = line, idle = keeping.idle] { read_replies(line, idle); });
  return line;
}

// One fiber at a time sends; what others append meanwhile goes with the same system call.
void Client::State::start_flush(const std::shared_ptr<Line>& used) {
  if (used->is_flushing) return;
  used->is_flushing = true;
  runtime::spawn([used] {
    const runtime::Io io = used->connection.stream().flush(deadline_after(std::chrono::seconds(100)));
    used->is_flushing = false;
    if (io != runtime::Io::ok) used->finish_all(Failure::deferred("4.4.2", "lost connection"));
  });
}

Result<Frame> Client::exchange(std::string_view name, const std::string& fields, Deadline deadline) {
  const auto state = state_;
  Failure last = Failure::deferred("4.4.2", "timeout");
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto line = state->usable_line(deadline);
    if (!line) return fail(std::move(line.error()));
    Line& used = **line;
    const std::uint32_t id = ++used.last_id;
    Question question;
    used.open[id] = &question;
    std::string frame;
    append_frame(frame, id, name, fields);
    used.connection.stream().write(frame);
    state->start_flush(*line);
    while (!question.answer) {
      if (question.answered.wait(deadline) == runtime::Wake::ready) continue;
      if (question.answer) break;
      used.open.erase(id);
      return fail(Failure::deferred("4.4.2", "timeout while talking to " + state->path));
    }
    if (*question.answer) return std::move(*question.answer);
    last = question.answer->error();
  }
  return fail(Failure::deferred(last.dsn, state->path + ": " + last.text));
}

// The connection that was given back last is used first, so that the others grow old.
struct Pool::Idle {
  struct Kept {
    Connection connection;
    Deadline end;
  };
  std::vector<Kept> connections;  // by `end`
  runtime::Fiber sweeper;         // while there are any

  static void sweep(const std::shared_ptr<Idle>& idle) {
    auto& connections = idle->connections;
    while (!connections.empty() &&
           runtime::sleep_until(connections.front().end) != runtime::Wake::cancelled) {
      const Deadline now = std::chrono::steady_clock::now();
      const auto is_young = [now](const Kept& kept) { return kept.end > now; };
      connections.erase(connections.begin(), std::ranges::find_if(connections, is_young));
    }
  }
};

Pool::Pool(std::string path, Keeping keeping, std::size_t max_idle)
    : path_(std::move(path)), keeping_(keeping), max_idle_(max_idle), idle_(std::make_shared<Idle>()) {}

Pool::~Pool() {
  idle_->connections.clear();
  idle_->sweeper.cancel();
}

Result<Connection> Pool::take(Deadline deadline) {
  while (!idle_->connections.empty()) {
    Connection connection = std::move(idle_->connections.back().connection);
    idle_->connections.pop_back();
    // The peer may have ended meanwhile; a peer that says something unasked is not usable either.
    if (!connection.stream().input_is_waiting()) return connection;
  }
  auto stream = runtime::connect_unix(path_, deadline);
  if (!stream) return fail(unreachable(path_, stream.error()));
  return Connection(std::move(*stream));
}

void Pool::give_back(Connection connection) {
  if (idle_->connections.size() >= max_idle_ || connection.age() >= keeping_.lifetime) return;
  connection.stream().release_buffers();
  idle_->connections.push_back({std::move(connection), deadline_after(keeping_.idle)});
  if (!idle_->sweeper.is_running()) idle_->sweeper = runtime::spawn([idle = idle_] { Idle::sweep(idle); });
}

}  // namespace posthouse::ipc
