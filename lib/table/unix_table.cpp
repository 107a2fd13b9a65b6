// unix:passwd.byname and unix:group.byname, one line of the system's files in its own form.
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "lib/runtime/offload.h"
#include "lib/table/text_types.h"

namespace posthouse::table {
namespace {

constexpr std::size_t kBufferLimit = 1024 * 1024;

template <class Record, class Call>
Lookup look_up_blocking(Call call, std::string (*format)(const Record&)) {
  for (std::vector<char> buffer(4096); buffer.size() <= kBufferLimit; buffer.resize(buffer.size() * 4)) {
    Record record{};
    Record* found = nullptr;
    const int error = call(&record, buffer, &found);
    if (error == ERANGE) continue;
    // Some name services report a missing entry as an error.
    const bool is_missing =
        error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
    if (found == nullptr && is_missing) return NotFound{};
    if (found == nullptr) return Failure::system("user database", error);
    return format(*found);
  }
  return Failure::deferred("4.3.0", "user database: entry too long");
}

std::string passwd_line(const passwd& entry) {
  return fmt::format("{}:{}:{}:{}:{}:{}:{}", entry.pw_name, entry.pw_passwd, entry.pw_uid, entry.pw_gid,
                     entry.pw_gecos, entry.pw_dir, entry.pw_shell);
}

std::string group_line(const group& entry) {
  std::string members;
  for (char** member = entry.gr_mem; member != nullptr && *member != nullptr; ++member) {
    members += (members.empty() ? "" : ",") + std::string(*member);
  }
  return fmt::format("{}:{}:{}:{}", entry.gr_name, entry.gr_passwd, entry.gr_gid, members);
}

class UnixTable : public Table {
 public:
  using Table::Table;
  bool may_wait() const override { return true; }

 protected:
  Lookup find(std::string_view key) override {
    const std::string text(key);
    const bool is_passwd = name() == "passwd.byname";
    return runtime::offload([&]() -> Lookup {
      if (is_passwd) {
        return look_up_blocking<passwd>(
            [&](passwd* record, std::vector<char>& buffer, passwd** found) {
              return ::getpwnam_r(text.c_str(), record, buffer.data(), buffer.size(), found);
            },
            passwd_line);
      }
      return look_up_blocking<group>(
          [&](group* record, std::vector<char>& buffer, group** found) {
            return ::getgrnam_r(text.c_str(), record, buffer.data(), buffer.size(), found);
          },
          group_line);
    });
  }
};

}  // namespace

Opened open_unix(Tables&, std::string_view name, Flag flags) {
  if (name != "passwd.byname" && name != "group.byname")
    return fail(Failure::deferred("4.3.5", fmt::format("unknown table: unix:{}", name)));
  return std::make_unique<UnixTable>("unix", std::string(name), flags);
}

}  // namespace posthouse::table
