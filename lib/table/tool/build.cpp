#include "lib/table/tool/build.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "lib/log/log.h"
#include "lib/table/alias_source.h"
#include "lib/table/file_text.h"
#include "lib/table/file_value.h"
#include "lib/table/map_source.h"
#include "lib/table/source_lines.h"
#include "lib/table/table_list.h"

namespace posthouse::table {
namespace {

// While it lives, files are created with the source owner's rights and the source's read bits.
class SourceRights {
 public:
  SourceRights(const struct stat& source, const BuildOptions& options) {
    const mode_t readable = source.st_mode & 0066;
    old_mask_ = ::umask(static_cast<mode_t>(022 | (options.inherit_mode ? ~readable & 0066 : 0)));
    if (options.keep_root || ::geteuid() != 0 || source.st_uid == 0) return;
    changed_ = ::setegid(source.st_gid) == 0 && ::seteuid(source.st_uid) == 0;
    if (!changed_) log::warning("cannot take the rights of user id {}", source.st_uid);
  }
  ~SourceRights() {
    ::umask(old_mask_);
    if (changed_ && (::seteuid(0) != 0 || ::setegid(0) != 0)) log::die("cannot take back root's rights");
  }
  SourceRights(const SourceRights&) = delete;
  SourceRights& operator=(const SourceRights&) = delete;

 private:
  mode_t old_mask_ = 022;
  bool changed_ = false;
};

class Loader {
 public:
  Loader(Table& table, std::string source, const BuildOptions& options)
      : table_(table), source_(std::move(source)), options_(options) {}

  Result<void> load(std::string_view text) {
    SourceReader reader(text);
    for (SourceLine line; reader.next(line);) {
      number_ = line.number;
      if (const auto problem = leading_space_problem(line); !problem.empty()) {
        log::warning("{}: {}", source_, problem);
        continue;
      }
      auto stored = options_.kind == SourceKind::map ? map_line(line.text) : alias_line(line.text);
      if (!stored) return stored;
    }
    return {};
  }

 private:
  void complain(std::string_view what) const { log::warning("{}, line {}: {}", source_, number_, what); }
  bool utf8() const { return has(table_.flags(), Flag::utf8); }

  Result<void> store(std::string_view key, std::string_view value) {
    if (key.empty()) {
      log::warning("table {}: empty lookup key value is not allowed", table_.spec());
      return {};
    }
    auto stored = table_.update(key, value);
    if (stored) return {};
    return fail(Failure::deferred(
        "4.3.0", fmt::format("table {}: write error: {}", table_.spec(), stored.error().text)));
  }
  Result<void> map_line(std::string_view text) {
    const MapLine line = parse_map_line(text, utf8());
    if (!line.problem.empty()) {
      complain(line.problem);
      return {};
    }
    if (!line.advice.empty()) complain(line.advice);
    if (!has(options_.flags, Flag::base64_file)) return store(line.key, line.value);
    auto encoded = encoded_files(line.value);
    if (encoded) return store(line.key, *encoded);
    complain(encoded.error().text + ": skipping this entry");
    return {};
  }
  Result<void> alias_line(std::string_view text) {
    const AliasLine line = parse_alias_line(text, utf8());
    if (line.problem.empty()) return store(line.key, line.value);
    complain(line.problem);
    return {};
  }

  Table& table_;
  std::string source_;
  const BuildOptions& options_;
  std::size_t number_ = 0;
};

// The entries that sendmail and NIS expect in every alias database.
Result<void> add_alias_marks(Table& table, const BuildOptions& options) {
  if (auto stored = table.update("@", "@"); !stored) return stored;
  const std::string now = fmt::format("{:010}", std::time(nullptr));
  if (auto stored = table.update_plain("YP_LAST_MODIFIED", now); !stored) return stored;
  return table.update_plain("YP_MASTER_NAME", options.myhostname);
}

bool can_build(std::string_view type) {
  constexpr std::array<std::string_view, 6> kTypes{"hash", "btree", "lmdb", "cdb", "fail", "internal"};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

Result<void> fatal(std::string text) {
  return fail(Failure::deferred("4.3.5", std::move(text)));
}

Result<void> check_type(const Tables& tables, std::string_view type) {
  if (type == "proxy") return fatal("can't create maps via the proxy service");
  const auto names = tables.type_names();
  if (std::ranges::find(names, type) == names.end())
    return fatal(fmt::format("unsupported dictionary type: {}", type));
  if (can_build(type)) return {};
  return fatal(fmt::format("unsupported dictionary type: {} does not support bulk-mode creation.", type));
}

}  // namespace

std::string with_default_type(const Tables& tables, std::string_view spec) {
  if (spec.find(':') != std::string_view::npos) return std::string(spec);
  return tables.settings().default_database_type + ":" + std::string(spec);
}

Result<void> build_table(Tables& tables, std::string_view spec, const BuildOptions& options) {
  const std::string full = with_default_type(tables, spec);
  const auto colon = full.find(':');
  const std::string name = full.substr(colon + 1);
  if (auto known = check_type(tables, std::string_view(full).substr(0, colon)); !known) return known;
  auto source = read_file(name, "open");
  if (!source) return fail(std::move(source.error()));
  struct stat status {};
  if (::stat(name.c_str(), &status) != 0) return fail(Failure::system("open " + name, errno));
  const SourceRights rights(status, options);
  auto table = tables.open_private(full, options.flags | Flag::write | Flag::truncate | Flag::bulk);
  if (!table) return fail(std::move(table.error()));
  if (auto loaded = Loader(**table, name, options).load(source->text); !loaded) return loaded;
  if (options.kind == SourceKind::aliases) {
    if (auto marked = add_alias_marks(**table, options); !marked) return marked;
  }
  return (*table)->finish();
}

Result<void> update_table(Tables& tables, std::string_view spec, std::string_view text,
                          const BuildOptions& options) {
  const std::string full = with_default_type(tables, spec);
  auto table = tables.open_private(full, options.flags | Flag::write | Flag::bulk);
  if (!table) return fail(std::move(table.error()));
  if (auto loaded = Loader(**table, "stdin", options).load(text); !loaded) return loaded;
  if (options.kind == SourceKind::aliases) {
    if (auto marked = add_alias_marks(**table, options); !marked) return marked;
  }
  return (*table)->finish();
}

Result<void> build_alias_databases(Tables& tables, std::string_view alias_database,
                                   std::string_view myhostname) {
  BuildOptions options;
  options.kind = SourceKind::aliases;
  options.myhostname = myhostname;
  for (const std::string& spec : split_list(alias_database)) {
    if (auto built = build_table(tables, spec, options); !built) return built;
  }
  return {};
}

}  // namespace posthouse::table
