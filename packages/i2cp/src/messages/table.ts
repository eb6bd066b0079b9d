import { bandwidthLimitsCodec } from './bandwidth-limits.ts'
import type { BandwidthLimits } from './bandwidth-limits.ts'
import { blindingInfoCodec } from './blinding-info.ts'
import type { BlindingInfo } from './blinding-info.ts'
import { createLeaseSetCodec } from './create-lease-set.ts'
import type { CreateLeaseSet } from './create-lease-set.ts'
import { createLeaseSet2Codec } from './create-lease-set2.ts'
import type { CreateLeaseSet2 } from './create-lease-set2.ts'
import { createSessionCodec } from './create-session.ts'
import type { CreateSession } from './create-session.ts'
import { destLookupCodec } from './dest-lookup.ts'
import type { DestLookup } from './dest-lookup.ts'
import { destReplyCodec } from './dest-reply.ts'
import type { DestReply } from './dest-reply.ts'
import { destroySessionCodec } from './destroy-session.ts'
import type { DestroySession } from './destroy-session.ts'
import { disconnectCodec } from './disconnect.ts'
import type { Disconnect } from './disconnect.ts'
import { getBandwidthLimitsCodec } from './get-bandwidth-limits.ts'
import type { GetBandwidthLimits } from './get-bandwidth-limits.ts'
import { getDateCodec } from './get-date.ts'
import type { GetDate } from './get-date.ts'
import { hostLookupCodec } from './host-lookup.ts'
import type { HostLookup } from './host-lookup.ts'
import { hostReplyCodec } from './host-reply.ts'
import type { HostReply } from './host-reply.ts'
import { messagePayloadCodec } from './message-payload.ts'
import type { MessagePayload } from './message-payload.ts'
import { messageStatusCodec } from './message-status.ts'
import type { MessageStatus } from './message-status.ts'
import { receiveMessageBeginCodec } from './receive-message-begin.ts'
import type { ReceiveMessageBegin } from './receive-message-begin.ts'
import { receiveMessageEndCodec } from './receive-message-end.ts'
import type { ReceiveMessageEnd } from './receive-message-end.ts'
import { reconfigureSessionCodec } from './reconfigure-session.ts'
import type { ReconfigureSession } from './reconfigure-session.ts'
import { reportAbuseCodec } from './report-abuse.ts'
import type { ReportAbuse } from './report-abuse.ts'
import { requestLeaseSetCodec } from './request-lease-set.ts'
import type { RequestLeaseSet } from './request-lease-set.ts'
import { requestVariableLeaseSetCodec } from './request-variable-lease-set.ts'
import type { RequestVariableLeaseSet } from './request-variable-lease-set.ts'
import { sendMessageCodec } from './send-message.ts'
import type { SendMessage } from './send-message.ts'
import { sendMessageExpiresCodec } from './send-message-expires.ts'
import type { SendMessageExpires } from './send-message-expires.ts'
import { sessionStatusCodec } from './session-status.ts'
import type { SessionStatus } from './session-status.ts'
import { setDateCodec } from './set-date.ts'
import type { SetDate } from './set-date.ts'
import type { MessageCodec } from './codec.ts'

/** Every I2CP message, told apart by `type`. */
export type Message =
  | CreateSession
  | ReconfigureSession
  | DestroySession
  | CreateLeaseSet
  | SendMessage
  | ReceiveMessageBegin
  | ReceiveMessageEnd
  | GetBandwidthLimits
  | SessionStatus
  | RequestLeaseSet
  | MessageStatus
  | BandwidthLimits
  | ReportAbuse
  | Disconnect
  | MessagePayload
  | GetDate
  | SetDate
  | DestLookup
  | DestReply
  | SendMessageExpires
  | RequestVariableLeaseSet
  | HostLookup
  | HostReply
  | CreateLeaseSet2
  | BlindingInfo

/** The table of messages by type. */
export const MESSAGES: ReadonlyMap<number, MessageCodec<Message>> = new Map([
  createSessionCodec,
  reconfigureSessionCodec,
  destroySessionCodec,
  createLeaseSetCodec,
  sendMessageCodec,
  receiveMessageBeginCodec,
  receiveMessageEndCodec,
  getBandwidthLimitsCodec,
  sessionStatusCodec,
  requestLeaseSetCodec,
  messageStatusCodec,
  bandwidthLimitsCodec,
  reportAbuseCodec,
  disconnectCodec,
  messagePayloadCodec,
  getDateCodec,
  setDateCodec,
  destLookupCodec,
  destReplyCodec,
  sendMessageExpiresCodec,
  requestVariableLeaseSetCodec,
  hostLookupCodec,
  hostReplyCodec,
  createLeaseSet2Codec,
  blindingInfoCodec
].map(codec => [codec.type, codec as unknown as MessageCodec<Message>]))
