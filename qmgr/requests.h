// What is told to delivery agents and to the bounce services about a message. Pure.
#pragma once

#include "lib/ipc/messages/bounce.h"
#include "lib/ipc/messages/delivery.h"
#include "qmgr/message.h"

namespace posthouse::qmgr {

ipc::DeliveryRecipient for_agent(const Recipient& recipient);
// `now` is when the message leaves the queue manager's hands.
ipc::DeliveryRequest delivery_request(const Message& message, const Delivery& delivery, Time now,
                                      bool confirms_end_of_delay);
ipc::BounceMessage bounce_message(const Message& message);

}  // namespace posthouse::qmgr
