#include "lib/runtime/tls_stream.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>

namespace posthouse::runtime {
namespace {

constexpr std::size_t kRecord = 16 * 1024;

struct FreeContext {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { ::SSL_free(session); }
};

// The newest error of the library; the others of this thread are forgotten.
std::string library_error() {
  const unsigned long code = ::ERR_peek_last_error();
  ::ERR_clear_error();
  if (code == 0) return "protocol error";
  const char* reason = ::ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("error {:x}", code);
}

std::unexpected<Failure> trouble(std::string text) {
  return fail(Failure::deferred("4.7.5", std::move(text)));
}

bool is_address(const std::string& name) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

std::string text_of(Io io) {
  switch (io) {
    case Io::timeout:
      return error_text(ETIMEDOUT);
    case Io::eof:
      return "lost connection";
    default:
      return "connection failed";
  }
}

}  // namespace

struct TlsClient::State {
  std::unique_ptr<SSL_CTX, FreeContext> context{::SSL_CTX_new(::TLS_client_method())};
};

TlsClient::TlsClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsClient::~TlsClient() = default;

Result<std::shared_ptr<const TlsClient>> TlsClient::create(const Settings& settings) {
  const auto or_null = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  auto state = std::make_unique<State>();
  SSL_CTX* context = state->context.get();
  if (context == nullptr) return trouble(library_error());
  ::SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  ::SSL_CTX_set_verify(context, settings.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (settings.ca_file.empty() && settings.ca_path.empty())
    ::SSL_CTX_set_default_verify_paths(context);
  else if (::SSL_CTX_load_verify_locations(context, or_null(settings.ca_file), or_null(settings.ca_path)) !=
           1)
    return trouble(fmt::format("cannot load authorities from {}{}{}: {}", settings.ca_file,
                               settings.ca_file.empty() || settings.ca_path.empty() ? "" : " and ",
                               settings.ca_path, library_error()));
  if (!settings.certificate_file.empty()) {
    const std::string& key = settings.key_file.empty() ? settings.certificate_file : settings.key_file;
    if (::SSL_CTX_use_certificate_chain_file(context, settings.certificate_file.c_str()) != 1)
      return trouble(
          fmt::format("cannot load certificate from {}: {}", settings.certificate_file, library_error()));
    if (::SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
      return trouble(fmt::format("cannot load key from {}: {}", key, library_error()));
  }
  return std::shared_ptr<const TlsClient>(new TlsClient(std::move(state)));
}

// The library works on two memory buffers; the bytes of the wire go through the plain stream.
struct TlsStream::State {
  explicit State(Stream plain) : stream(std::move(plain)) {}

  void push_output() {
    std::array<char, kRecord> block;
    for (int count; (count = ::BIO_read(::SSL_get_wbio(session.get()), block.data(), block.size())) > 0;)
      stream.write({block.data(), static_cast<std::size_t>(count)});
  }
  // More bytes of the wire for the library. May wait.
  Io pull_input(Deadline deadline) {
    if (stream.buffered().empty()) {
      if (const Io io = stream.fill(deadline); io != Io::ok) return io;
    }
    const std::string_view bytes = stream.buffered().substr(0, kRecord);
    ::BIO_write(::SSL_get_rbio(session.get()), bytes.data(), static_cast<int>(bytes.size()));
    stream.consume(bytes.size());
    return Io::ok;
  }
  // Decrypts what is there: SSL_ERROR_NONE if it was something.
  int decrypt() {
    ::ERR_clear_error();
    std::array<char, kRecord> block;
    const int count = ::SSL_read(session.get(), block.data(), block.size());
    if (count <= 0) return ::SSL_get_error(session.get(), count);
    input.append(block.data(), static_cast<std::size_t>(count));
    return SSL_ERROR_NONE;
  }
  Io fill(Deadline deadline) {
    for (;;) {
      const int error = decrypt();
      if (error == SSL_ERROR_NONE) return Io::ok;
      push_output();  // answers to what the other side wants to know of the protocol
      if (const Io io = stream.flush(deadline); io != Io::ok) return io;
      if (error == SSL_ERROR_ZERO_RETURN) return Io::eof;
      if (error != SSL_ERROR_WANT_READ) return Io::error;
      if (const Io io = pull_input(deadline); io != Io::ok) return io;
    }
  }

  Stream stream;
  std::unique_ptr<SSL, FreeSession> session;  // none: plain
  std::string input;                          // decrypted
};

TlsStream::TlsStream(Stream stream) : state_(std::make_unique<State>(std::move(stream))) {}
TlsStream::~TlsStream() = default;
TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&&) noexcept = default;

Result<void> TlsStream::start_tls(const TlsClient& client, const std::string& name, Deadline deadline) {
  State& state = *state_;
  state.session.reset(::SSL_new(client.state_->context.get()));
  SSL* session = state.session.get();
  if (session == nullptr) return trouble(library_error());
  ::SSL_set_bio(session, ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
  if (is_address(name)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(session), name.c_str());
  } else {
    ::SSL_ctrl(session, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
               const_cast<char*>(name.c_str()));
    ::SSL_set1_host(session, name.c_str());
  }
  for (;;) {
    ::ERR_clear_error();
    const int done = ::SSL_connect(session);
    const int error = ::SSL_get_error(session, done);
    state.push_output();
    const Io sent = state.stream.flush(deadline);
    if (done == 1) return sent == Io::ok ? Result<void>() : trouble("TLS handshake: " + text_of(sent));
    if (error != SSL_ERROR_WANT_READ) {
      const long verdict = ::SSL_get_verify_result(session);
      const bool is_distrust = verdict != X509_V_OK && ::SSL_get_verify_mode(session) != SSL_VERIFY_NONE;
      const std::string reason = library_error();
      return trouble(is_distrust ? fmt::format("certificate of {} not verified: {}", name,
                                               ::X509_verify_cert_error_string(verdict))
                                 : "TLS handshake: " + reason);
    }
    const Io io = sent == Io::ok ? state.pull_input(deadline) : sent;
    if (io != Io::ok) return trouble("TLS handshake: " + text_of(io));
  }
}

std::string_view TlsStream::buffered() const {
  return state_->session ? std::string_view(state_->input) : state_->stream.buffered();
}

void TlsStream::consume(std::size_t count) {
  if (!state_->session) return state_->stream.consume(count);
  state_->input.erase(0, count);
}

Io TlsStream::fill(Deadline deadline) {
  return state_->session ? state_->fill(deadline) : state_->stream.fill(deadline);
}

bool TlsStream::input_is_waiting() {
  State& state = *state_;
  if (!state.session) return state.stream.input_is_waiting();
  // What TLS says for itself (session tickets) is no input.
  while (state.stream.input_is_waiting()) {
    if (state.pull_input(Deadline::min()) != Io::ok) return true;
    if (state.decrypt() != SSL_ERROR_WANT_READ) return true;
  }
  return !state.input.empty();
}

void TlsStream::write(std::string_view bytes) {
  State& state = *state_;
  if (!state.session) return state.stream.write(bytes);
  // Into memory, never short.
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, kRecord);
    if (::SSL_write(state.session.get(), part.data(), static_cast<int>(part.size())) <= 0) return;
    bytes.remove_prefix(part.size());
    state.push_output();
  }
}

Io TlsStream::flush(Deadline deadline) {
  return state_->stream.flush(deadline);
}

}  // namespace posthouse::runtime
