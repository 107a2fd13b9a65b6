#include "lib/ipc/client.h"

#include <sys/socket.h>

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

// Replies are read without the flush of Connection::receive: askers flush for themselves.
void read_replies(const std::shared_ptr<Line>& line) {
  runtime::Stream& stream = line->connection.stream();
  for (;;) {
    std::size_t consumed = 0;
    auto frame = parse_frame(stream.buffered(), consumed);
    if (!frame) return line->finish_all(frame.error());
    if (!*frame) {
      const runtime::Io io = stream.fill(kNever, kFrameLimit + 16);
      if (io != runtime::Io::ok) return line->finish_all(Failure::deferred("4.4.2", "lost connection"));
      continue;
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
  explicit State(std::string socket_path) : path(std::move(socket_path)) {}

  std::string path;
  std::shared_ptr<Line> line;
  bool is_connecting = false;
  runtime::Signal connected;

  Result<std::shared_ptr<Line>> usable_line(Deadline deadline);
  void start_flush(const std::shared_ptr<Line>& used);
};

Client::Client(std::string path) : state_(std::make_shared<State>(std::move(path))) {}

Client::~Client() {
  disconnect();
}

void Client::disconnect() {
  if (state_->line) state_->line->reader.cancel();
  state_->line.reset();
}

Result<std::shared_ptr<Line>> Client::State::usable_line(Deadline deadline) {
  while (is_connecting) {
    if (connected.wait(deadline) != runtime::Wake::ready) return fail(Failure::deferred("4.4.2", "timeout"));
  }
  if (line && !line->is_broken) return line;
  is_connecting = true;
  auto stream = runtime::connect_unix(path, deadline);
  is_connecting = false;
  connected.notify_all();
  if (!stream) return fail(unreachable(path, stream.error()));
  line = std::make_shared<Line>(std::move(*stream));
  line->reader = runtime::spawn([line = line] { read_replies(line); });
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

struct Pool::Idle {
  std::vector<Connection> connections;
};

Pool::Pool(std::string path, std::size_t max_idle)
    : path_(std::move(path)), max_idle_(max_idle), idle_(std::make_unique<Idle>()) {}

Pool::~Pool() = default;

Result<Connection> Pool::take(Deadline deadline) {
  while (!idle_->connections.empty()) {
    Connection connection = std::move(idle_->connections.back());
    idle_->connections.pop_back();
    // The peer may have ended meanwhile; a peer that says something unasked is not usable either.
    if (!connection.stream().input_is_waiting()) return connection;
  }
  auto stream = runtime::connect_unix(path_, deadline);
  if (!stream) return fail(unreachable(path_, stream.error()));
  return Connection(std::move(*stream));
}

void Pool::give_back(Connection connection) {
  if (idle_->connections.size() >= max_idle_) return;
  connection.stream().release_buffers();
  idle_->connections.push_back(std::move(connection));
}

}  // namespace posthouse::ipc
