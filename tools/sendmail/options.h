// The command line of sendmail, mailq and newaliases.
//
// Throws UsageError with the text of the fatal line. Things that are only wrong in detail are warnings.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace posthouse::sendmail {

class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Mode : unsigned char {
  deliver,        // read a message, hand it to postdrop
  daemon,         // postfix start
  smtp_server,    // smtpd -S on standard input
  list_queue,     // postqueue -p
  flush_queue,    // postqueue -f
  flush_site,     // postqueue -s
  flush_message,  // postqueue -i
  aliases,        // postalias
  nothing,        // options that are recognised and ignored
};

struct Options {
  Mode mode = Mode::deliver;
  std::string config_directory;
  std::string sender;  // external form as given
  bool has_sender = false;
  std::string full_name;
  bool has_full_name = false;
  std::vector<std::string> recipients;  // as given
  bool extract_recipients = false;      // -t
  bool dot_ends = true;                 // not -i
  bool is_gateway = false;              // -G
  bool is_probe = false;                // -bv
  int verbose = 0;                      // number of -v
  std::string encoding;                 // "7bit", "8bit"
  unsigned notify = 0;                  // kNotify...
  unsigned return_flags = 0;
  std::string envelope_id;
  bool has_verp = false;
  std::string verp_delimiters;  // empty = not said
  std::string site;             // of flush_site and flush_message
  std::string alias_file;       // -oA
  std::vector<std::string> warnings;
};

// `program`: the base name it was called by. Uses getopt(): once per process (tests reset it).
Options parse_options(std::string_view program, int argc, char** argv);

// What -V and -XV mean is known with verp_delimiter_filter only.
void settle_verp(Options& options, std::string_view filter);

}  // namespace posthouse::sendmail
