// Frames and the fields of every message from arbitrary bytes.
#include "lib/ipc/connection.h"
#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/flush.h"
#include "lib/ipc/messages/proxymap.h"
#include "lib/ipc/messages/qmgr.h"
#include "lib/ipc/messages/rewrite.h"
#include "lib/ipc/messages/showq.h"
#include "lib/ipc/messages/verify.h"

namespace {

template <class... Messages>
void decode_all(std::string_view fields) {
  (void)std::initializer_list<bool>{posthouse::ipc::decode<Messages>(fields).has_value()...};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace posthouse::ipc;
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  std::size_t consumed = 0;
  const auto frame = parse_frame(input, consumed);
  decode_all<RewriteQuery, RewriteReply, ResolveQuery, ResolveReply, CleanupOpen, CleanupOpened,
             CleanupRecipients, CleanupContent, CleanupClose, CleanupCancel, CleanupClosed, QmgrArrived,
             DeliveryRequest, DeliveryReply, BounceAppend, BounceFlush, BounceWarn, BounceOne, BounceRemove,
             BounceReply, VerifyQuery, VerifyReply, VerifyUpdate, VerifyUpdated, FlushAdd, FlushSite,
             FlushMessage, FlushReply, ShowqQuery, ShowqBatch, ProxyLookup, ProxyUpdate, ProxyDelete,
             ProxyNext, ProxyAnswer>(frame && *frame ? std::string_view((*frame)->fields) : input);
  return 0;
}
