#include "tools/sendmail/submit.h"

#include <fmt/format.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "lib/base/text.h"
#include "lib/command/postdrop_pipe.h"
#include "lib/config/core_parameters.h"
#include "lib/log/log.h"
#include "lib/mail/address_list.h"
#include "lib/mail/quote.h"
#include "lib/queuefile/record.h"
#include "lib/queuefile/size_record.h"
#include "tools/sendmail/message_input.h"

namespace posthouse::sendmail {

namespace {

using queuefile::RecordType;

constexpr int kTemporary = 75;
constexpr int kCannotStart = 1;  // of postdrop: it has not read anything

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  if (!entry) log::die(fmt::format("user ID {} is not found in password database", ::getuid()), kTemporary);
  return entry->pw_name;
}

// What stands before the first comma of the password entry's name; "&" is the capitalised user name.
std::string full_name_of_user() {
  if (const char* name = std::getenv("NAME"); name && *name) return name;
  const passwd* entry = ::getpwuid(::getuid());
  if (!entry || !entry->pw_gecos) return {};
  std::string name;
  for (const char c : std::string_view(entry->pw_gecos)) {
    if (c == ',' || c == ';' || c == '%') break;
    if (c == '&') {
      std::string user = entry->pw_name;
      if (!user.empty()) user[0] = to_upper(user[0]);
      name += user;
    } else {
      name += c;
    }
  }
  return name;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
  return text;
}

class Submitter {
 public:
  Submitter(const command::Started& started, const Options& options) : started_(started), options_(options) {}
  int run();

 private:
  [[noreturn]] void die(std::string_view text, int status = kTemporary) const {
    log::die(fmt::format("{}: {}", command::caller(), text), status);
  }
  std::string sender() const;
  std::vector<std::string> addresses(const std::vector<std::string>& given) const;
  void add_envelope(const std::vector<std::string>& recipients);
  void add_recipient(const std::string& internal);
  void read_message(MessageInput& input, command::PostdropPipe& pipe);
  void add_probe();
  void send(command::PostdropPipe& pipe);

  const command::Started& started_;
  const Options& options_;
  std::string records_;
  std::uint64_t sent_ = 0, limit_ = 0;
  bool has_postdrop_failed_ = false;
};

std::string Submitter::sender() const {
  if (!options_.has_sender) return user_name();
  const auto list = mail::AddressList::parse(options_.sender);
  if (list.size() == 1 && trim(options_.sender) != "") return mail::to_internal(list[0]);
  if (list.size() > 1) log::warning("-f option specified malformed sender: {}", options_.sender);
  return list.empty() ? std::string() : mail::to_internal(one_line(options_.sender));
}

std::vector<std::string> Submitter::addresses(const std::vector<std::string>& given) const {
  std::vector<std::string> all;
  for (const auto& text : given) {
    const auto list = mail::AddressList::parse(one_line(text));
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!list[i].empty()) all.push_back(mail::to_internal(list[i]));
    }
  }
  return all;
}

void Submitter::add_recipient(const std::string& internal) {
  if (options_.notify != 0)
    queuefile::append_attribute(records_, "notify_flags", fmt::format("{}", options_.notify));
  queuefile::append_record(records_, RecordType::recipient, internal);
}

void Submitter::add_envelope(const std::vector<std::string>& recipients) {
  queuefile::append_attribute(records_, "rewrite_context", options_.is_gateway ? "remote" : "local");
  const std::string full_name = options_.has_full_name ? options_.full_name : full_name_of_user();
  if (!full_name.empty()) queuefile::append_record(records_, RecordType::full_name, one_line(full_name));
  if (!options_.envelope_id.empty())
    queuefile::append_attribute(records_, "envelope_id", options_.envelope_id);
  if (options_.return_flags != 0)
    queuefile::append_attribute(records_, "ret_flags", fmt::format("{}", options_.return_flags));
  const std::string from = one_line(sender());
  queuefile::append_record(records_, RecordType::sender, from);
  const bool wants_report = options_.is_probe || options_.verbose == 1;
  if (wants_report) {
    const unsigned flags = options_.is_probe ? queuefile::kTraceUserProbe : queuefile::kTraceRecord;
    queuefile::append_attribute(records_, "trace_flags", fmt::format("{}", flags));
    std::printf("Mail Delivery Status Report will be mailed to <%s>.\n", mail::to_external(from).c_str());
    std::fflush(stdout);
  }
  if (!options_.encoding.empty()) queuefile::append_attribute(records_, "encoding", options_.encoding);
  if (options_.has_verp) {
    if (from.empty()) die("-V option requires non-null sender address");
    queuefile::append_record(records_, RecordType::verp, options_.verp_delimiters);
  }
  for (const auto& recipient : recipients) add_recipient(recipient);
  queuefile::append_record(records_, RecordType::message, {});
}

void Submitter::send(command::PostdropPipe& pipe) {
  sent_ += records_.size();
  if (limit_ > 0 && sent_ > limit_) die("message file too big", 69);
  if (!has_postdrop_failed_ && !pipe.write(records_)) has_postdrop_failed_ = true;
  records_.clear();
}

void Submitter::read_message(MessageInput& input, command::PostdropPipe& pipe) {
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) die(fmt::format("error reading input: {}", error_text(errno)));
    if (got == 0) break;
    const bool has_ended = input.append(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    send(pipe);
    if (has_ended) break;
  }
  input.end();
}

void Submitter::add_probe() {
  const auto line = [&](std::string_view text) {
    queuefile::append_record(records_, RecordType::line, text);
  };
  line(fmt::format("From: {}", mail::to_external(sender())));
  line("Subject: probe");
  const auto recipients = addresses(options_.recipients);
  line("To:");
  for (std::size_t i = 0; i < recipients.size(); ++i)
    line(fmt::format("\t{}{}", mail::to_external(recipients[i]), i + 1 < recipients.size() ? "," : ""));
  line("");
}

int Submitter::run() {
  ::signal(SIGPIPE, SIG_IGN);
  const auto messages = config::load<config::Messages>(started_.main_cf);
  if (!messages) die(messages.error().front().text());
  limit_ = (*messages)->message_size_limit();
  const auto recipients = addresses(options_.recipients);
  if (recipients.empty() && !options_.extract_recipients)
    die("Recipient addresses must be specified on the command line or via the -t option");
  const std::string postdrop = started_.value("command_directory") + "/postdrop";
  auto pipe = command::PostdropPipe::start(postdrop);
  if (!pipe) die(pipe.error().text);
  add_envelope(recipients);
  MessageInput input({.dot_ends = options_.dot_ends,
                      .extract_recipients = options_.extract_recipients,
                      .line_limit = static_cast<std::size_t>((*messages)->line_length_limit()),
                      .header_limit = static_cast<std::size_t>((*messages)->header_size_limit())},
                     records_);
  if (options_.is_probe) {
    add_probe();
  } else {
    read_message(input, *pipe);
  }
  queuefile::append_record(records_, RecordType::extracted, {});
  const auto found = addresses(input.recipients());
  for (const auto& recipient : found) add_recipient(recipient);
  if (recipients.empty() && found.empty()) die("No recipient addresses found in message header");
  queuefile::append_record(records_, RecordType::end, {});
  send(*pipe);
  const int status = pipe->finish();  // postdrop has said why
  if (status == kCannotStart) {
    log::warning("command \"{} -r\" exited with status {}", postdrop, status);
    die(fmt::format("unable to execute {} -r: Application error", postdrop));
  }
  return status == 0 && has_postdrop_failed_ ? kTemporary : status;
}

}  // namespace

int submit(const command::Started& started, const Options& options) {
  return Submitter(started, options).run();
}

}  // namespace posthouse::sendmail
