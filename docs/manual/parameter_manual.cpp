// Writes the manual of all main.cf parameters: parameter_manual markdown|roff FILE.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <fstream>
#include <iostream>
#include <limits>
#include <map>

#include "lib/base/text.h"
#include "lib/registry/registry.h"

namespace {

using posthouse::config::Kind;
using posthouse::config::Spec;

struct Entry {
  Spec spec;
  Kind kind;
};
using Entries = std::map<std::string, Entry>;

Entries all_entries() {
  Entries entries;
  const auto add = [&entries](const posthouse::config::ParamSet& set, bool is_for_transport) {
    for (const posthouse::config::Parameter* parameter : set.parameters()) {
      Spec spec = parameter->spec();
      if (is_for_transport && spec.name.starts_with("transport_")) spec.name.replace(0, 9, "<transport>");
      entries.insert({spec.name, {spec, parameter->kind()}});
    }
  };
  for (const auto& declared : posthouse::registry::all_sets()) add(*declared.set, false);
  for (const auto& factory : posthouse::registry::transport_sets()) add(*factory.make("transport"), true);
  return entries;
}

std::string_view kind_text(Kind kind) {
  switch (kind) {
    case Kind::text:
      return "text";
    case Kind::raw:
      return "text, expanded when used";
    case Kind::number:
      return "number";
    case Kind::yes_no:
      return "yes or no";
    case Kind::duration:
      return "time (s, m, h, d, w)";
    case Kind::size:
      return "size in bytes (k, m, g)";
    case Kind::list:
      return "list";
    case Kind::path:
      return "path";
    case Kind::choice:
      return "one of";
    case Kind::level:
      return "version";
  }
  return "";
}

// "number, at least 1", "one of: host, subnet, class"
std::string type_text(const Entry& entry) {
  std::string text(kind_text(entry.kind));
  if (entry.kind == Kind::choice) {
    std::vector<std::string> words;
    words.reserve(entry.spec.words.size());
    for (const std::string_view word : entry.spec.words) words.emplace_back(word.empty() ? "nothing" : word);
    return text + ": " + posthouse::join(words, ", ");
  }
  if (entry.kind != Kind::number && entry.kind != Kind::duration && entry.kind != Kind::size) return text;
  if (entry.spec.at_least != std::numeric_limits<std::int64_t>::min())
    text += fmt::format(", at least {}", entry.spec.at_least);
  if (entry.spec.at_most != std::numeric_limits<std::int64_t>::max())
    text += fmt::format(", at most {}", entry.spec.at_most);
  return text;
}

std::string default_text(const Spec& spec) {
  if (spec.compute) return "computed";
  return spec.fallback.empty() ? "empty" : spec.fallback;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const std::string_view word : posthouse::split_any(text, " \t\n"))
    out += (out.empty() ? "" : " ") + std::string(word);
  return out;
}

void write_markdown(const Entries& entries, std::ostream& out) {
  out << "# Parameters\n\nGenerated from the declarations in the code (`parameters.h` of each folder); do "
         "not edit.\n"
         "Values are main.cf text: `$name` stands for another parameter.\n";
  for (const auto& [name, entry] : entries) {
    fmt::print(out, "\n## {}\n\nDefault: {}. Type: {}.\n\n{}\n", name,
               default_text(entry.spec) == "computed" || entry.spec.fallback.empty()
                   ? default_text(entry.spec)
                   : fmt::format("`` {} ``", entry.spec.fallback),
               type_text(entry), one_line(entry.spec.doc));
    if (!entry.spec.formerly.empty()) fmt::print(out, "\nFormerly `{}`.\n", entry.spec.formerly);
    if (!entry.spec.since.empty()) fmt::print(out, "\nSince {}.\n", entry.spec.since);
  }
}

std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out.starts_with('.') || out.starts_with('\'') ? "\\&" + out : out;
}

void write_roff(const Entries& entries, std::ostream& out) {
  out << ".TH POSTHOUSE\\-PARAMETERS 5 \"\" Posthouse \"File formats\"\n.SH NAME\n"
         "posthouse\\-parameters \\- settings in main.cf\n.SH SYNOPSIS\n.nf\nname = value\n.fi\n.SH "
         "DESCRIPTION\n"
         "Each parameter is one line of main.cf; a line that begins with white space continues it.\n"
         "$name and ${name} stand for the value of another parameter; ${name?{a}:{b}} is a if that one is "
         "not\n"
         "empty, else b; ${{x} == {y} ? {a} : {b}} compares. postconf(1) shows and changes settings.\n"
         ".SH PARAMETERS\n";
  for (const auto& [name, entry] : entries) {
    fmt::print(out, ".TP\n.B {} (default: {})\n{}\n.br\nType: {}.\n", roff(name),
               roff(default_text(entry.spec)), roff(one_line(entry.spec.doc)), roff(type_text(entry)));
  }
  out << ".SH SEE ALSO\npostconf(1), master(5)\n";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: parameter_manual markdown|roff FILE\n";
    return 2;
  }
  std::ofstream out(argv[2]);
  const Entries entries = all_entries();
  std::string_view(argv[1]) == "roff" ? write_roff(entries, out) : write_markdown(entries, out);
  return out.flush() ? 0 : 1;
}
