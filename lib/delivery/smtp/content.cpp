#include "lib/delivery/smtp/content.h"

#include "lib/base/text.h"

namespace posthouse::delivery::smtp {

class ContentSource::Converter : public mail::MimeSink {
 public:
  Converter(protocol::ContentWriter& writer, const TransactionSettings& settings, bool convert,
            const GenericMap* generic)
      : writer_(writer),
        generic_(generic),
        reader_({.nesting_limit = settings.mime_nesting_limit,
                 .boundary_limit = settings.mime_boundary_limit,
                 .header_limit = settings.header_size_limit,
                 .downgrade = convert},
                *this) {}

  void line(std::string_view text, bool ends) { reader_.line(text, ends); }
  void end() { reader_.end(); }
  const std::optional<Failure>& failure() const { return failure_; }

 private:
  void header(mail::HeaderClass where, const mail::HeaderSpec& spec, std::string_view text) override {
    const bool has_addresses = spec.is_sender || spec.is_recipient;
    if (generic_ == nullptr || where != mail::HeaderClass::primary || !has_addresses) return add_lines(text);
    const auto mapped = generic_->map_header(text);
    if (mapped)
      add_lines(*mapped);
    else
      failure_ = mapped.error();
  }
  void add_lines(std::string_view text) {
    for (std::string_view line : split(text, '\n')) writer_.add(line, true);
  }
  void headers_end() override {}
  void body(std::string_view line) override { writer_.add(line, true); }
  void error(mail::MimeError, std::string_view) override {}  // cleanup judged the message already

  protocol::ContentWriter& writer_;
  const GenericMap* generic_;
  std::optional<Failure> failure_;
  mail::MimeReader reader_;
};

ContentSource::ContentSource(queuefile::ContentReader reader, const TransactionSettings& settings,
                             bool convert, const GenericMap* generic)
    : reader_(std::move(reader)), writer_(buffer_, settings.line_length_limit) {
  if (convert || generic) converter_ = std::make_unique<Converter>(writer_, settings, convert, generic);
}

bool ContentSource::has_table_failure() const {
  return converter_ && converter_->failure();
}

ContentSource::~ContentSource() = default;

Result<bool> ContentSource::append(std::string& out, std::size_t size) {
  buffer_.swap(out);
  const std::size_t until = buffer_.size() + size;
  bool has_more = true;
  const auto take = [this](const queuefile::ContentReader::Piece& piece) {
    if (converter_)
      converter_->line(piece.text, piece.ends_line);
    else
      writer_.add(piece.text, piece.ends_line);
  };
  while (has_more && buffer_.size() < until) {
    if (const auto piece = reader_.buffered()) {
      take(*piece);
      continue;
    }
    auto piece = reader_.next();
    if (!piece) {
      buffer_.swap(out);
      return fail(std::move(piece.error()));
    }
    has_more = piece->has_value();
    if (has_more) take(**piece);
  }
  if (!has_more) {
    if (converter_) converter_->end();
    writer_.finish();
  }
  buffer_.swap(out);
  if (has_table_failure()) return fail(*converter_->failure());
  return has_more;
}

}  // namespace posthouse::delivery::smtp
