// A queue id: the name of a message and of its file in every queue directory.
//
// The short form is five hex digits of microseconds and the inode number in hex; the long form is
// seconds and microseconds in base 52, 'z', and the inode in base 51. Both are made from the inode
// of the file itself, so an id is unique in its file system. A QueueId is always valid: 1 to 255
// characters of [0-9A-Za-z_], so it can never name another directory.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lib/base/clock.h"

namespace posthouse::queuefile {

class QueueId {
 public:
  QueueId() = default;  // empty: stands for "none yet"; only parse() and make_*() give a usable one

  static std::optional<QueueId> parse(std::string_view text);
  static QueueId make_short(Time created, std::uint64_t inode);
  static QueueId make_long(Time created, std::uint64_t inode);

  const std::string& text() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool is_long() const;
  // The inode in the name; nothing when the name was not made from one.
  std::optional<std::uint64_t> inode() const;
  // The same id for another inode (postsuper -s); keeps the form and the time part.
  QueueId with_inode(std::uint64_t inode) const;
  // The characters that choose the hashed subdirectory: "9/" for depth 1, "9/2/" for depth 2.
  std::string hash_path(unsigned depth) const;

  auto operator<=>(const QueueId&) const = default;

 private:
  explicit QueueId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace posthouse::queuefile

template <>
struct std::hash<posthouse::queuefile::QueueId> {
  std::size_t operator()(const posthouse::queuefile::QueueId& id) const noexcept {
    return std::hash<std::string>{}(id.text());
  }
};
