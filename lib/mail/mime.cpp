#include "lib/mail/mime.h"

#include <algorithm>
#include <utility>

#include "lib/base/text.h"
#include "lib/mail/token.h"

namespace posthouse::mail {
namespace {

constexpr std::size_t kQuotedPrintableLine = 72;
constexpr char kHexDigits[] = "0123456789ABCDEF";

bool has_high_bit(std::string_view text) {
  return !is_ascii(text);
}

struct ContentType {
  std::string type, subtype, boundary;
};

// "type/subtype; boundary=value": other parameters are skipped.
ContentType read_content_type(std::string_view value, std::size_t boundary_limit) {
  ContentType result;
  auto tokens = tokenise(value, kMimeSpecials);
  std::erase_if(tokens, [](const Token& t) { return t.kind == Token::Kind::comment; });
  if (tokens.empty() || !tokens[0].is_word()) return result;
  result.type = lower(tokens[0].text);
  if (tokens.size() > 2 && tokens[1].is('/')) result.subtype = lower(tokens[2].text);
  for (std::size_t i = 1; i + 2 < tokens.size(); ++i) {
    if (tokens[i].is(';') && equal_ignoring_case(tokens[i + 1].text, "boundary") && tokens[i + 2].is('=')) {
      for (i += 3; i < tokens.size() && !tokens[i].is(';'); ++i) {
        if (tokens[i].after_space && !result.boundary.empty()) break;
        result.boundary +=
            tokens[i].kind == Token::Kind::special ? std::string(1, tokens[i].special) : tokens[i].text;
      }
      result.boundary.resize(std::min(result.boundary.size(), boundary_limit));
      break;
    }
  }
  return result;
}

}  // namespace

std::string_view mime_error_text(MimeError error) {
  switch (error) {
    case MimeError::nesting:
      return "MIME nesting exceeds safety limit";
    case MimeError::truncated_header:
      return "message header length exceeds safety limit";
    case MimeError::eight_bit_header:
      return "improper use of 8-bit data in message header";
    case MimeError::eight_bit_body:
      return "improper use of 8-bit data in message body";
    case MimeError::encoding_domain:
      return "invalid message/* or multipart/* encoding domain";
  }
  return "";
}

MimeReader::MimeReader(MimeRules rules, MimeSink& sink) : rules_(rules), sink_(sink) {}

HeaderClass MimeReader::header_class() const {
  if (state_ == State::primary_headers) return HeaderClass::primary;
  return state_ == State::nested_headers ? HeaderClass::nested : HeaderClass::multipart;
}

void MimeReader::report(MimeError error, std::string_view text) {
  sink_.error(error, text);
}

void MimeReader::line(std::string_view line, bool is_complete) {
  const bool at_start = std::exchange(at_line_start_, is_complete);
  if (state_ == State::body) {
    if (at_start && rules_.parse_structure && !levels_.empty() && boundary_line(line)) return;
    return emit_body(line, is_complete);
  }
  if (!at_start) {  // the rest of a header line that came in pieces
    if (header_.size() + line.size() > rules_.header_limit) {
      header_truncated_ = true;
    } else {
      header_ += line;
    }
    return;
  }
  header_line(line);
}

void MimeReader::header_line(std::string_view line) {
  if (!header_.empty() && is_continuation(line)) {
    if (header_.size() + line.size() + 1 > rules_.header_limit) {
      header_truncated_ = true;
    } else {
      header_.append("\n").append(line);
    }
    return;
  }
  finish_header();
  if (line.empty()) return end_of_headers(line);
  if (rules_.parse_structure && state_ != State::primary_headers && !levels_.empty() && boundary_line(line))
    return;
  if (is_header(line)) {
    header_.assign(line.substr(0, rules_.header_limit));
    header_truncated_ = line.size() > rules_.header_limit;
    return;
  }
  // Text where a header should be: the body starts here.
  end_of_headers(line);
}

void MimeReader::finish_header() {
  if (header_.empty()) return;
  const std::size_t length = header_name_length(header_);
  const HeaderSpec& spec = header_spec(std::string_view(header_).substr(0, length));
  if (header_truncated_) report(MimeError::truncated_header, std::string_view(header_).substr(0, 200));
  if (has_high_bit(header_)) {
    has_8bit_ = true;
    if (rules_.report_8bit_headers) report(MimeError::eight_bit_header, header_);
  }
  if (spec.type == HeaderType::content_type) note_content_type(header_value(header_));
  bool is_replaced = false;
  if (spec.type == HeaderType::content_transfer_encoding) {
    note_encoding(header_value(header_));
    is_replaced = rules_.downgrade && encoding_ != MimeDomain::seven_bit;
  }
  if (!is_replaced) sink_.header(header_class(), spec, header_);
  header_.clear();
  header_truncated_ = false;
}

void MimeReader::note_content_type(std::string_view value) {
  ContentType type = read_content_type(value, rules_.boundary_limit);
  content_ = Content::other;
  if (type.type == "text") content_ = Content::text;
  if (type.type == "message" && (type.subtype == "rfc822" || type.subtype == "global"))
    content_ = Content::message;
  if (type.type != "multipart") return;
  content_ = Content::multipart;
  if (type.boundary.empty() || !rules_.parse_structure) return;
  if (levels_.size() >= rules_.nesting_limit) {
    if (rules_.report_nesting && !std::exchange(nesting_reported_, true)) report(MimeError::nesting, header_);
    return;
  }
  pending_boundary_ = std::move(type.boundary);
  pending_digest_ = type.subtype == "digest";
}

void MimeReader::note_encoding(std::string_view value) {
  const auto tokens = tokenise(value, kMimeSpecials);
  const std::string name = tokens.empty() ? std::string() : lower(tokens[0].text);
  encoding_is_transfer_ = name == "base64" || name == "quoted-printable";
  encoding_ = name == "8bit"     ? MimeDomain::eight_bit
              : name == "binary" ? MimeDomain::binary
                                 : MimeDomain::seven_bit;
}

void MimeReader::begin_headers(State state) {
  state_ = state;
  const bool in_digest = !levels_.empty() && levels_.back().is_digest && state == State::part_headers;
  content_ = in_digest ? Content::message : Content::text;
  encoding_ = MimeDomain::seven_bit;
  encoding_is_transfer_ = false;
  encode_part_ = false;
}

void MimeReader::end_of_headers(std::string_view separator) {
  const bool was_primary = state_ == State::primary_headers;
  const bool is_composite = content_ == Content::multipart || content_ == Content::message;
  if (is_composite && encoding_is_transfer_ && rules_.report_encoding_domain) {
    report(MimeError::encoding_domain, "composite type with a transfer encoding");
  }
  encode_part_ = rules_.downgrade && !is_composite && encoding_ != MimeDomain::seven_bit;
  if (rules_.downgrade && encoding_ != MimeDomain::seven_bit) {
    sink_.header(
        header_class(), header_spec("Content-Transfer-Encoding"),
        encode_part_ ? "Content-Transfer-Encoding: quoted-printable" : "Content-Transfer-Encoding: 7bit");
  }
  if (!pending_boundary_.empty()) levels_.push_back({std::exchange(pending_boundary_, {}), pending_digest_});
  const bool enters_message =
      content_ == Content::message && rules_.parse_structure && !encoding_is_transfer_;
  if (was_primary) sink_.headers_end();
  state_ = State::body;
  const bool encode = std::exchange(encode_part_, false);
  if (separator.empty()) {
    sink_.body(separator);
    encode_part_ = encode;
    if (enters_message && nested_messages_ < rules_.nesting_limit) {
      ++nested_messages_;
      begin_headers(State::nested_headers);
    }
    return;
  }
  encode_part_ = encode;
  emit_body(separator, at_line_start_);
}

// A boundary of this or an outer level closes all levels inside it.
bool MimeReader::boundary_line(std::string_view line) {
  if (line.size() < 3 || line[0] != '-' || line[1] != '-') return false;
  const std::string_view rest = line.substr(2);
  for (std::size_t i = levels_.size(); i-- > 0;) {
    const std::string& boundary = levels_[i].boundary;
    if (!rest.starts_with(boundary)) continue;
    const std::string_view tail = rest.substr(boundary.size());
    finish_encoding();
    const bool is_end = tail.starts_with("--");
    levels_.resize(is_end ? i : i + 1);
    finish_header();
    state_ = State::body;
    encode_part_ = false;
    sink_.body(line);
    if (!is_end) begin_headers(State::part_headers);
    return true;
  }
  return false;
}

void MimeReader::emit_body(std::string_view line, bool is_complete) {
  if (has_high_bit(line)) {
    has_8bit_ = true;
    if (rules_.report_8bit_body && encoding_ == MimeDomain::seven_bit &&
        !std::exchange(body_8bit_reported_, true)) {
      report(MimeError::eight_bit_body, line);
    }
  }
  if (encode_part_) return encode(line, is_complete);
  sink_.body(line);
}

void MimeReader::encode(std::string_view line, bool is_complete) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto byte = static_cast<unsigned char>(line[i]);
    const bool at_end = is_complete && i + 1 == line.size();
    const bool is_plain =
        (byte > 32 && byte < 127 && byte != '=') || ((byte == ' ' || byte == '\t') && !at_end);
    if (encoded_.size() > kQuotedPrintableLine) {
      encoded_ += '=';
      sink_.body(encoded_);
      encoded_.clear();
    }
    if (is_plain) {
      encoded_ += line[i];
    } else {
      encoded_ += {'=', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    }
  }
  if (!is_complete) return;
  sink_.body(encoded_);
  encoded_.clear();
}

void MimeReader::finish_encoding() {
  if (encoded_.empty()) return;
  sink_.body(encoded_);
  encoded_.clear();
}

void MimeReader::end() {
  finish_header();
  finish_encoding();
  if (state_ == State::primary_headers) {
    sink_.headers_end();
    state_ = State::body;
  }
}

}  // namespace posthouse::mail
