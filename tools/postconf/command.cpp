#include "tools/postconf/command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "lib/base/text.h"
#include "lib/config/layout.h"
#include "lib/registry/registry.h"
#include "lib/table/types.h"
#include "tools/postconf/file_edit.h"
#include "tools/postconf/folding.h"
#include "tools/postconf/known_names.h"
#include "tools/postconf/main_cf_edit.h"
#include "tools/postconf/master_cf_edit.h"
#include "tools/postconf/options.h"

namespace posthouse::postconf {

namespace {

class Postconf : private Warnings {
 public:
  Postconf(Options options, config::Host host, std::FILE* out, std::FILE* err)
      : options_(std::move(options)), host_(std::move(host)), out_(out), err_(err) {
    const char* environment = std::getenv("MAIL_CONFIG");
    directory_ = !options_.config_directory.empty() ? options_.config_directory
                 : environment != nullptr           ? environment
                                                    : config::layout::config_directory();
  }

  void run() {
    using Subject = Options::Subject;
    if (options_.edit != Options::Edit::none) return edit();
    switch (options_.subject) {
      case Subject::main_cf:
        return show_main_cf();
      case Subject::services:
        return show_services();
      case Subject::fields:
        return show_fields();
      case Subject::service_parameters:
        return show_service_parameters();
      case Subject::lock_types:
        return print_lines({"flock", "fcntl", "dotlock"});
      case Subject::map_types:
        return print_lines(table::Tables({}, table::all_types()).type_names());
      case Subject::plain_list:
        return;  // no SASL plug-ins yet
    }
  }

 private:
  void warn(const std::string& text) override { fmt::print(err_, "postconf: warning: {}\n", text); }
  std::string main_path() const { return directory_ + "/main.cf"; }
  std::string master_path() const { return directory_ + "/master.cf"; }

  void print_lines(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) fmt::print(out_, "{}\n", line);
  }
  // One "name = value" in the form that -f, -h and -H ask for.
  void print_setting(std::string_view name, std::string_view value) {
    if (options_.hides_values) {
      fmt::print(out_, "{}\n", name);
    } else if (options_.hides_names) {
      fmt::print(out_, "{}\n", squeezed(value, options_.folds));
    } else {
      fmt::print(out_, "{}\n", squeezed(fmt::format("{} = {}", name, value), options_.folds));
    }
  }

  config::MainCf load() {
    auto main_cf = config::MainCf::parse(read_file(main_path()), main_path(), host_);
    if (!main_cf) throw Fatal(main_cf.error().front().text());
    for (const std::string& text : main_cf->warnings()) warn(text);
    main_cf->set("config_directory", directory_);
    main_cf->set("process_name", "postconf");
    for (const std::string& assignment : options_.overrides) {
      if (!trim(assignment).starts_with('{') && main_cf->override_with(assignment)) continue;
      throw Fatal(fmt::format(
          "invalid parameter override: {}: {}", assignment,
          trim(assignment).starts_with('=') ? "missing attribute name" : "missing '=' after attribute name"));
    }
    registry::add_all_defaults(*main_cf);
    return *std::move(main_cf);
  }

  std::vector<ServiceLine> load_services() {
    return read_services(read_file(master_path()), master_path(), *this);
  }
  // For names only: a missing master.cf is a warning.
  std::vector<ServiceLine> load_services_leniently() {
    std::string text;
    try {
      text = read_file(master_path());
    } catch (const Fatal& fatal) {
      warn(fatal.what());
    }
    return read_services(text, master_path(), *this);
  }

  void show_main_cf();
  void show_setting(const config::MainCf& main_cf, const KnownNames& names, const std::string& name);
  std::vector<std::string> listed_names(const config::MainCf& main_cf, const KnownNames& names) const;

  struct Pattern {
    std::string request, name, type, rest;
    bool matched = false;
  };
  std::vector<Pattern> patterns() const;
  template <class Show>
  void for_matching_services(Show show);
  void show_services();
  void show_fields();
  void show_service_parameters();

  void edit();
  void edit_main();
  void edit_services();
  ServiceChange change_service(ServiceLine& service, std::vector<Pattern>& requests,
                               const std::vector<std::string>& values);
  ServiceChange apply(ServiceLine& service, const Pattern& request, const std::string& value);

  Options options_;
  config::Host host_;
  std::FILE* out_;
  std::FILE* err_;
  std::string directory_;
};

// --- main.cf ---------------------------------------------------------------------------------------

std::vector<std::string> Postconf::listed_names(const config::MainCf& main_cf,
                                                const KnownNames& names) const {
  std::vector<std::string> all;
  const auto add = [&](const auto& map, const auto& name_of) {
    for (const auto& entry : map) all.push_back(name_of(entry));
  };
  const auto first = [](const auto& entry) { return entry.first; };
  if (options_.builtin) add(names.builtin(), first);
  if (options_.service) add(names.service(), first);
  if (options_.user && options_.show != Options::Show::defaults) {
    add(names.user(), [](const std::string& name) { return name; });
  }
  if (options_.show == Options::Show::explicit_only) {
    std::erase_if(all, [&](const std::string& name) { return main_cf.find(name) == nullptr; });
  }
  std::ranges::sort(all);
  return all;
}

void Postconf::show_setting(const config::MainCf& main_cf, const KnownNames& names, const std::string& name) {
  const bool wants_default = options_.show == Options::Show::defaults;
  const bool is_known = names.builtin().contains(name) || names.service().contains(name) ||
                        (!wants_default && names.user().contains(name));
  if (!is_known) {
    const std::string_view near = registry::nearest_name(name);
    return warn(fmt::format("{}: unknown parameter{}", name,
                            near.empty() ? "" : fmt::format(" (is {} meant?)", near)));
  }
  if (options_.show == Options::Show::explicit_only && main_cf.find(name) == nullptr) return;
  const std::string text = main_cf.text(name).value_or("");
  if (!options_.expands) return print_setting(name, text);
  auto value = main_cf.expand(text);
  if (!value) throw Fatal(fmt::format("{}: {}", name, value.error().expected));
  print_setting(name, *value);
}

void Postconf::show_main_cf() {
  config::MainCf main_cf(host_);
  std::vector<ServiceLine> services;
  if (options_.show == Options::Show::defaults) {
    registry::add_all_defaults(main_cf);
    if (::access(master_path().c_str(), R_OK) == 0) services = load_services_leniently();
  } else {
    main_cf = load();
    services = load_services_leniently();
  }
  const KnownNames names(main_cf, services);
  main_cf.add_defaults(names.service());
  if (options_.show != Options::Show::defaults) names.check_values(main_cf, directory_, *this);
  const auto shown = options_.arguments.empty() ? listed_names(main_cf, names) : options_.arguments;
  for (const std::string& name : shown) show_setting(main_cf, names, name);
  std::fflush(out_);
  if (options_.show == Options::Show::defaults) return;
  names.check_main_cf(main_cf, directory_, *this);
  names.check_master_cf(main_cf, services, directory_, *this);
}

// --- master.cf -------------------------------------------------------------------------------------

// "service/type/rest" or "service/type/rest=value": the part before "=" taken apart.
std::vector<Postconf::Pattern> Postconf::patterns() const {
  std::vector<Pattern> all;
  for (const std::string& argument : options_.arguments) {
    const std::string_view path = std::string_view(argument).substr(0, argument.find('='));
    const auto parts = split(trim(path), '/');
    const auto part = [&](std::size_t index) {
      return index < parts.size() ? std::string(trim(parts[index])) : "*";
    };
    all.push_back({.request = argument, .name = part(0), .type = part(1), .rest = part(2)});
    if (options_.subject == Options::Subject::fields && part(2) != "*" &&
        std::ranges::find(kFields, part(2)) == kFields.end()) {
      throw Fatal(fmt::format("invalid service attribute name: \"{}\"", part(2)));
    }
  }
  if (all.empty()) all.push_back({.request = "", .name = "*", .type = "*", .rest = "*", .matched = true});
  return all;
}

// show(service, main_cf, rest) for each service and request; it says whether it found what was asked for.
template <class Show>
void Postconf::for_matching_services(Show show) {
  const config::MainCf main_cf = load();
  const std::vector<ServiceLine> services = load_services();
  const KnownNames names(main_cf, services);
  names.check_values(main_cf, directory_, *this);
  std::vector<Pattern> requests = patterns();
  for (const ServiceLine& service : services) {
    config::MainCf own = main_cf;
    for (const auto& [name, value] : service.parameters()) own.set(name, value);
    own.set("service_name", service.name());
    own.set("process_name", service.program());
    for (Pattern& pattern : requests) {
      if (!service.matches(pattern.name, pattern.type)) continue;
      if (show(service, own, pattern.rest)) pattern.matched = true;
    }
  }
  for (const Pattern& pattern : requests) {
    if (!pattern.matched) warn(fmt::format("unmatched request: \"{}\"", pattern.request));
  }
  std::fflush(out_);
  names.check_master_cf(main_cf, services, directory_, *this);
}

std::string expanded(const config::MainCf& main_cf, const std::string& value) {
  return main_cf.expand(value).value_or(value);
}

void Postconf::show_services() {
  for_matching_services(
      [this](const ServiceLine& service, const config::MainCf& main_cf, const std::string&) {
        ServiceLine shown = service;
        if (options_.expands) {
          shown.change_parameters([&](const std::string& value) { return expanded(main_cf, value); });
        }
        fmt::print(out_, "{}\n", shown.text(options_.folds));
        return true;
      });
}

void Postconf::show_fields() {
  for_matching_services(
      [this](const ServiceLine& service, const config::MainCf& main_cf, const std::string& rest) {
        ServiceLine shown = service;
        if (options_.expands) {
          shown.change_parameters([&](const std::string& value) { return expanded(main_cf, value); });
        }
        for (const std::string_view field : kFields) {
          if (rest != "*" && rest != field) continue;
          print_setting(fmt::format("{}/{}/{}", service.name(), service.type(), field), shown.field(field));
        }
        return true;
      });
}

void Postconf::show_service_parameters() {
  for_matching_services(
      [this](const ServiceLine& service, const config::MainCf& main_cf, const std::string& rest) {
        std::map<std::string, std::string> sorted;
        for (const auto& [name, value] : service.parameters()) sorted[name] = value;
        bool found = false;
        for (const auto& [name, value] : sorted) {
          if (rest != "*" && rest != name) continue;
          found = true;
          print_setting(fmt::format("{}/{}/{}", service.name(), service.type(), name),
                        options_.expands ? expanded(main_cf, value) : value);
        }
        return found;
      });
}

// --- edits -----------------------------------------------------------------------------------------

void Postconf::edit() {
  switch (options_.subject) {
    case Options::Subject::main_cf:
      return edit_main();
    case Options::Subject::services:
    case Options::Subject::fields:
    case Options::Subject::service_parameters:
      return edit_services();
    default:
      throw Fatal("nothing to edit with this option");
  }
}

void Postconf::edit_main() {
  using Action = MainCfEdit::Action;
  std::vector<MainCfEdit> edits;
  for (const std::string& argument : options_.arguments) {
    if (options_.edit == Options::Edit::set) {
      edits.push_back(parse_assignment(argument));
      continue;
    }
    if (argument.find('=') != std::string::npos) {
      throw Fatal(fmt::format("-X or -# requires names without value: \"{}\"", argument));
    }
    const auto action = options_.edit == Options::Edit::remove ? Action::remove : Action::comment_out;
    edits.push_back({.name = std::string(trim(argument)), .action = action, .value = {}});
  }
  edit_file(main_path(),
            [&](const std::string& text) { return edit_main_cf(text, edits, main_path(), *this); });
}

ServiceLine parse_request(const std::string& value, const std::string& request) {
  try {
    return ServiceLine::parse(value);
  } catch (const BadFieldCount& fatal) {
    throw Fatal(fmt::format("{}: \"{}\"", fatal.what(), request));
  }
}

void Postconf::edit_services() {
  const bool sets = options_.edit == Options::Edit::set;
  const bool is_fields = options_.subject == Options::Subject::fields;
  const int slashes = options_.subject == Options::Subject::services ? 1 : 2;
  const char* const needed = slashes == 1 ? "-Me, -MX or -M# requires service_name/type"
                             : is_fields  ? "-Fe or -FX requires service_name/type/field_name"
                                          : "-Pe or -PX requires service_name/type/parameter";
  std::vector<std::string> values;
  for (const std::string& argument : options_.arguments) {
    const std::size_t equals = argument.find('=');
    if (sets == (equals == std::string::npos)) {
      throw Fatal(sets ? fmt::format("missing '=' after attribute name: \"{}\"", argument)
                       : fmt::format("-X or -# requires names without value: \"{}\"", argument));
    }
    if (std::ranges::count(argument.substr(0, equals), '/') < slashes) throw Fatal(needed);
    values.push_back(sets ? std::string(trim(std::string_view(argument).substr(equals + 1))) : "");
  }
  edit_file(master_path(), [&](const std::string& text) {
    std::vector<Pattern> requests = patterns();
    std::string result = edit_master_cf(
        text, master_path(), [&](ServiceLine& service) { return change_service(service, requests, values); });
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (requests[i].matched) continue;
      if (sets && options_.subject == Options::Subject::services) {
        result += parse_request(values[i], requests[i].request).text(true) + "\n";
      } else if (sets) {
        warn(fmt::format("unmatched service_name/type: \"{}\"", requests[i].request));
      }
    }
    return result;
  });
}

ServiceChange Postconf::change_service(ServiceLine& service, std::vector<Pattern>& requests,
                                       const std::vector<std::string>& values) {
  ServiceChange result;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!service.matches(requests[i].name, requests[i].type)) continue;
    // A second entry of the same service goes when the first one was replaced as a whole.
    const bool replaced_before = requests[i].matched && options_.subject == Options::Subject::services &&
                                 options_.edit == Options::Edit::set;
    requests[i].matched = true;
    if (replaced_before) {
      result.kind = ServiceChange::Kind::remove;
      continue;
    }
    const ServiceChange change = apply(service, requests[i], values[i]);
    if (change.kind != ServiceChange::Kind::keep) result = change;
  }
  return result;
}

ServiceChange Postconf::apply(ServiceLine& service, const Pattern& request, const std::string& value) {
  using Kind = ServiceChange::Kind;
  if (options_.subject == Options::Subject::services) {
    if (options_.edit == Options::Edit::remove) return {.kind = Kind::remove};
    if (options_.edit == Options::Edit::comment_out) return {.kind = Kind::comment_out};
    service = parse_request(value, request.request);
    return {.kind = Kind::replace, .text = service.text(true), .is_another_entry = true};
  }
  if (options_.subject == Options::Subject::fields) {
    service.set_field(request.rest, value);
  } else if (options_.edit == Options::Edit::set) {
    service.set_parameter(request.rest, value);
  } else {
    service.remove_parameter(request.rest);
  }
  return {.kind = Kind::replace, .text = service.text(true)};
}

}  // namespace

int run(int argc, char** argv, config::Host host, std::FILE* out, std::FILE* err) {
  try {
    Postconf(parse_options(argc, argv), std::move(host), out, err).run();
    return std::fflush(out) == 0 ? 0 : 1;
  } catch (const Fatal& fatal) {
    std::fflush(out);
    fmt::print(err, "postconf: fatal: {}\n", fatal.what());
    return 1;
  }
}

}  // namespace posthouse::postconf
