// A client's Stream that may be encrypted: bytes pass as they are until start_tls().
//
// For connections to lookup servers. TLS 1.2 or later; a server is believed only with a certificate of a
// known authority and with its name or address in it, unless the client was told to take any. The functions
// that Stream has too mean the same here.
#pragma once

#include <memory>

#include "lib/runtime/stream.h"

namespace posthouse::runtime {

// What all connections to the same servers share: whom to believe, and the own certificate.
class TlsClient {
 public:
  struct Settings {
    std::string ca_file, ca_path;  // both empty: the authorities of the system
    std::string certificate_file, key_file;
    bool verifies = true;
  };
  // Reads the files; the failure's text names the one that makes no sense.
  static Result<std::shared_ptr<const TlsClient>> create(const Settings& settings);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

 private:
  friend class TlsStream;
  struct State;
  explicit TlsClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class TlsStream {
 public:
  explicit TlsStream(Stream stream);
  ~TlsStream();
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) noexcept;

  // `name`: a host name or an address. May wait. After a failure the connection is of no use.
  Result<void> start_tls(const TlsClient& client, const std::string& name, Deadline deadline);

  std::string_view buffered() const;
  void consume(std::size_t count);
  Io fill(Deadline deadline);
  bool input_is_waiting();
  void write(std::string_view bytes);
  Io flush(Deadline deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace posthouse::runtime
