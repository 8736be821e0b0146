// What the messages are made of: from proto/oreledger/v1/record.proto and bundle.proto, in their own
// words. Made by a test of tests/tests/javascript, which compares; ORELEDGER_WRITE_SCHEMA=1 writes it.
// Under each name stand number, name and type; `repeated` and `oneof` as in the proto.

const MESSAGE_TEXT = `
Accept
 1 offer bytes
 2 lots AcceptedLot repeated
 3 facility string
AcceptedLot
 1 lot LotRef
 2 mass Mass
 3 seals SealState
AddKey
 1 key KeyRegistration
AdmitMember
 1 member Member
 2 key KeyRegistration
Approve
 1 proposal bytes
Assay
 1 lot LotRef
 2 composition Composition
 3 pattern TraceValue repeated
 4 sample string
 5 session string
 6 matrix string
 7 commitment bytes
 8 reveals bytes
 9 salt bytes
 10 campaign string
 11 spots TraceSpot repeated
 12 disturbed uint32 repeated
 13 reference_material string
 14 sampled_by string
Attest
 1 attestation Attestation
Attestation
 1 id string
 2 kind AttestationKind
 3 subject string
 4 scheme string
 5 scope string
 6 minerals string repeated
 7 quantity_cap_mg uint64
 8 valid_from_ms uint64
 9 valid_until_ms uint64
AttestationChange
 1 leaf_index uint64
 2 state AttestationState
AttestationStanding
 1 attestation Attestation
 2 changes AttestationChange repeated
Block
 1 header bytes
 2 entries bytes repeated
BlockHeader
 1 origin string
 2 height uint64
 3 previous_header bytes
 4 time_ms uint64
 5 tree_size uint64
 6 tree_root bytes
 7 state_root bytes
 8 next_validators bytes
 9 proposer string
BlockSeal
 1 height uint64
 2 previous_header bytes
 3 time_ms uint64
 4 state_root bytes
 5 records uint32
Bundle
 1 claim ProvenanceClaim
 2 checkpoint string
 3 entries BundleEntry repeated
 4 tree_proof bytes repeated
 5 head_root bytes
 6 roster_root bytes
 7 head_size uint64
 8 roster_size uint64
 9 lots StateLeaf repeated
 10 head_proof bytes repeated
 11 roster StateLeaf repeated
 12 roster_proof bytes repeated
 13 claim_note string
BundleEntry
 1 leaf_index uint64
 2 entry bytes
CancelShipment
 1 offer bytes
 2 lots LotRef repeated
 3 reason string
ChangeAttestation
 1 attestation string
 2 state AttestationState
 3 reason string
ChangeRoles
 1 member string
 2 roles Role repeated
ChangeValidators
 1 validators Validator repeated
 2 rules uint32
ClaimOrigin
 1 lot string
 2 origin string
 3 library bytes
ClaimedShare
 1 kind OriginKind
 2 source string
 3 country string
 4 route Route
 5 generation uint32
 6 value uint64
 7 lower uint64
 8 upper uint64
Commission
 1 kind CommissionKind
 2 lot NewLot
 3 scrap_class RecyclingClass
 4 attestations string repeated
Composition
 1 contents Content repeated
 2 method string
 3 laboratory string
 4 stage AssayStage
Content
 1 element uint32
 2 ppb uint32
 3 oxide string
 4 kind ContentKind
 5 uncertainty_ppb uint32
CreditClaim
 1 scheme string
 2 facility string
 3 element uint32
 4 lot LotRef
 5 mg uint64
 6 period uint32
CreditDeposit
 1 scheme string
 2 facility string
 3 element uint32
 4 lot LotRef
 5 mg uint64
 6 conversion_ppm uint32
 7 period uint32
 8 attestation string
Decline
 1 offer bytes
 2 lots LotRef repeated
 3 reason string
Dispose
 1 lot LotRef
 2 mass Mass
 3 kind DisposeKind
 4 reason string
Document
 1 sha256 bytes
 2 media_type string
 3 length uint64
 4 kind string
 5 issuer string
Erased
 1 record bytes
 2 reason string
Facility
 1 id string
 2 name string
 3 kind FacilityKind
 4 latitude_e7 sint32
 5 longitude_e7 sint32
 6 country string
 7 reference string
 8 materials MaterialClass repeated
 9 capacity_mg_per_year uint64
 10 deposit_type string
 11 minerals string repeated
 12 artisanal bool
Footprint
 1 lot LotRef
 2 co2e_g uint64
 3 energy_kj uint64
 4 water_l uint64
 5 acid_waste_mg uint64
 6 radioactive_waste_mg uint64
 7 thorium_mg uint64
 8 uranium_mg uint64
 9 method string
Hold
 1 lot LotRef
 2 reason string
Identifier
 1 scheme string
 2 value string
KeyRegistration
 1 public_key bytes
 2 possession bytes
KeyState
 1 public_key bytes
 2 from_leaf uint64
 3 revoked_leaf uint64
Loss
 1 element uint32
 2 mg uint64
 3 reason string
LotRef
 1 lot string
 2 head bytes
LotState
 1 lot string
 2 head bytes
 3 custodian string
 4 owner string
 5 status LotStatus
 6 remaining_mg uint64
Mass
 1 dry_mg uint64
 2 basis MassBasis
 3 wet_mg uint64
 4 moisture_ppm uint32
 5 unit string
Member
 1 id string
 2 legal_name string
 3 country string
 4 identifiers Identifier repeated
 5 roles Role repeated
MemberState
 1 member Member
 2 keys KeyState repeated
NewLot
 1 lot string
 2 material MaterialClass
 3 form string
 4 compound string
 5 hs_code string
 6 mass Mass
 7 composition Composition
 8 tags string repeated
 9 facility string
 10 model CustodyModel
 11 origin_country string
 12 transformation_country string
 13 serial string
 14 owner string
Profile
 1 version uint32
 2 name string
 3 approvals_needed uint32
 4 clock_tolerance_ms uint64
 5 offer_lifetime_ms uint64
 6 metal_gain_limit_ppm uint32
 7 balance_tolerance_ppm uint32 repeated
 8 hs_table string
 9 lists ProfileList repeated
 10 thresholds Thresholds
ProfileList
 1 name string
 2 source string
 3 values string repeated
 4 valid_from_ms uint64
 5 valid_until_ms uint64
ProvenanceClaim
 1 origin string
 2 lot string
 3 element uint32
 4 tree_size uint64
 5 shares ClaimedShare repeated
PublishLibrary
 1 library string
 2 version uint32
 3 previous bytes
 4 matrix string
 5 parts bytes repeated
 6 synthetic bool
Recall
 1 lot LotRef
 2 descendants bool
 3 reason string
Record
 1 origin string
 2 author string
 3 author_key bytes
 4 nonce bytes
 5 event_time_ms uint64
 6 utc_offset_minutes sint32
 7 private_root bytes
 8 documents Document repeated
 9 note string
 10 corrects bytes
 20 commission Commission oneof
 21 transform Transform oneof
 22 ship Ship oneof
 23 accept Accept oneof
 24 decline Decline oneof
 25 cancel_shipment CancelShipment oneof
 26 assay Assay oneof
 27 seal SealEvent oneof
 28 use Use oneof
 29 stocktake Stocktake oneof
 30 hold Hold oneof
 31 release Release oneof
 32 recall Recall oneof
 33 dispose Dispose oneof
 34 footprint Footprint oneof
 35 withdraw Withdraw oneof
 36 erased Erased oneof
 37 credit_deposit CreditDeposit oneof
 38 credit_claim CreditClaim oneof
 39 reference_part ReferencePart oneof
 40 publish_library PublishLibrary oneof
 41 claim_origin ClaimOrigin oneof
 50 admit_member AdmitMember oneof
 51 change_roles ChangeRoles oneof
 52 add_key AddKey oneof
 53 revoke_key RevokeKey oneof
 54 register_facility RegisterFacility oneof
 55 attest Attest oneof
 56 change_attestation ChangeAttestation oneof
 57 set_profile SetProfile oneof
 58 change_validators ChangeValidators oneof
 59 approve Approve oneof
 90 block_seal BlockSeal oneof
ReferenceAnalysis
 1 sample string
 2 spot string
 3 pattern TraceValue repeated
ReferencePart
 1 library string
 2 matrix string
 3 origin string
 4 background bool
 5 campaign string
 6 provenance string
 7 analyses ReferenceAnalysis repeated
 8 synthetic bool
RegisterFacility
 1 facility Facility
Release
 1 lot LotRef
 2 reason string
RevokeKey
 1 public_key bytes
 2 reason string
RosterState
 1 member MemberState oneof
 2 facility Facility oneof
 3 attestation AttestationStanding oneof
 4 profile Profile oneof
 5 validators ChangeValidators oneof
SealEvent
 1 lot LotRef
 2 seal string
 3 action SealAction
SetProfile
 1 profile Profile
Ship
 1 lots ShippedLot repeated
 2 receiver string
 3 transfer TransferKind
 4 purpose ShipPurpose
 5 carrier string
 6 mode TransportMode
 7 permits string repeated
 8 incoterm string
 9 from_facility string
 10 to_facility string
 11 expires_ms uint64
ShippedLot
 1 lot LotRef
 2 mass Mass
 3 seals string repeated
SignedRecord
 1 record bytes
 2 signature bytes
StateLeaf
 1 index uint64
 2 leaf bytes
StockLine
 1 material MaterialClass
 2 element uint32
 3 mg uint64
Stocktake
 1 facility string
 2 period_start_ms uint64
 3 lines StockLine repeated
Thresholds
 1 transfer_tolerance_ppm uint32
 2 stocktake_tolerance_ppm uint32
 3 recovery_band_floor_ppm uint32
 4 recovery_campaigns uint32
 5 digit_weighings uint32
 6 offer_days uint32
 7 transit_days uint32
 8 speed_kmh uint32 repeated
 9 splitting_limit_ppb uint32
 10 pattern_tolerance_ppm uint32
 11 recycled_tolerance_ppm uint32
 12 export_certificate_days uint32
 13 credit_lifetime_months uint32
 14 origin_ratio_milli uint32
TraceSpot
 1 spot string
 2 pattern TraceValue repeated
TraceValue
 1 element uint32
 2 isotope uint32
 3 ppt uint64
 4 below_detection bool
 5 uncertainty_ppt uint64
Transform
 1 process Process
 2 facility string
 3 inputs TransformInput repeated
 4 outputs TransformOutput repeated
 5 losses Loss repeated
 6 recycling_class RecyclingClass
 7 mixing Mixing
 8 started_ms uint64
TransformInput
 1 lot LotRef
 2 mass Mass
 3 composition Composition
TransformOutput
 1 lot NewLot
 2 role OutputRole
Use
 1 item LotRef
 2 net_mass Mass
 3 facility string
Validator
 1 member string
 2 consensus_key bytes
 3 log_key bytes
 4 cosigner_key bytes
 5 peer_address string
 6 tls_key bytes
Withdraw
 1 record bytes
 2 reason WithdrawReason
 3 explanation string
`;

const ENUM_TEXT = `
AssayStage
 0 ASSAY_STAGE_UNSPECIFIED
 1 ASSAY_STAGE_PRODUCER
 2 ASSAY_STAGE_PROVISIONAL
 3 ASSAY_STAGE_SELLER
 4 ASSAY_STAGE_BUYER
 5 ASSAY_STAGE_UMPIRE
 6 ASSAY_STAGE_FINAL
AttestationKind
 0 ATTESTATION_KIND_UNSPECIFIED
 1 ATTESTATION_KIND_LAND_RIGHT
 2 ATTESTATION_KIND_EXPLORATION_PERMIT
 3 ATTESTATION_KIND_EXTRACTION_PERMIT
 4 ATTESTATION_KIND_PROCESSING_PERMIT
 5 ATTESTATION_KIND_TRANSPORT_PERMIT
 6 ATTESTATION_KIND_EXPORT_PERMIT
 7 ATTESTATION_KIND_CERTIFICATE
 8 ATTESTATION_KIND_SITE_STATUS
 9 ATTESTATION_KIND_ACCREDITATION
AttestationState
 0 ATTESTATION_STATE_UNSPECIFIED
 1 ATTESTATION_STATE_SUSPENDED
 2 ATTESTATION_STATE_REINSTATED
 3 ATTESTATION_STATE_REVOKED
CommissionKind
 0 COMMISSION_KIND_UNSPECIFIED
 1 COMMISSION_KIND_EXTRACTED
 2 COMMISSION_KIND_COLLECTED_SCRAP
 3 COMMISSION_KIND_DECLARED_UNKNOWN
ContentKind
 0 CONTENT_KIND_UNSPECIFIED
 1 CONTENT_KIND_MEASURED
 2 CONTENT_KIND_DECLARED
 3 CONTENT_KIND_BELOW_DETECTION
CustodyModel
 0 CUSTODY_MODEL_UNSPECIFIED
 1 CUSTODY_MODEL_IDENTITY_PRESERVED
 2 CUSTODY_MODEL_SEGREGATED
 3 CUSTODY_MODEL_CONTROLLED_BLENDING
 4 CUSTODY_MODEL_MASS_BALANCE
 5 CUSTODY_MODEL_BOOK_AND_CLAIM
DisposeKind
 0 DISPOSE_KIND_UNSPECIFIED
 1 DISPOSE_KIND_DESTROYED
 2 DISPOSE_KIND_LANDFILLED
 3 DISPOSE_KIND_LOST
 4 DISPOSE_KIND_STOLEN
 5 DISPOSE_KIND_EXPORTED
FacilityKind
 0 FACILITY_KIND_UNSPECIFIED
 1 FACILITY_KIND_MINE
 2 FACILITY_KIND_CONCENTRATOR
 3 FACILITY_KIND_SMELTER
 4 FACILITY_KIND_REFINERY
 5 FACILITY_KIND_POWDER_PLANT
 6 FACILITY_KIND_TARGET_PLANT
 7 FACILITY_KIND_FAB
 8 FACILITY_KIND_RECYCLER
 9 FACILITY_KIND_LABORATORY
 10 FACILITY_KIND_WAREHOUSE
 11 FACILITY_KIND_PORT
LotStatus
 0 LOT_STATUS_UNSPECIFIED
 1 LOT_STATUS_ACTIVE
 2 LOT_STATUS_OFFERED
 3 LOT_STATUS_HELD
 4 LOT_STATUS_RECALLED
 5 LOT_STATUS_CONSUMED
 6 LOT_STATUS_DISPOSED
 7 LOT_STATUS_VOID
MassBasis
 0 MASS_BASIS_UNSPECIFIED
 1 MASS_BASIS_DRY
 2 MASS_BASIS_AS_RECEIVED
MaterialClass
 0 MATERIAL_CLASS_UNSPECIFIED
 1 MATERIAL_CLASS_ORE
 2 MATERIAL_CLASS_CONCENTRATE
 3 MATERIAL_CLASS_INTERMEDIATE
 4 MATERIAL_CLASS_METAL
 5 MATERIAL_CLASS_SPUTTERING_TARGET
 6 MATERIAL_CLASS_COMPONENT
 7 MATERIAL_CLASS_FINISHED_PRODUCT
 8 MATERIAL_CLASS_SCRAP
 9 MATERIAL_CLASS_RESIDUE
Mixing
 0 MIXING_UNSPECIFIED
 1 MIXING_NOT_HOMOGENISED
 2 MIXING_SEGREGATED
OriginKind
 0 ORIGIN_KIND_UNSPECIFIED
 1 ORIGIN_KIND_MINE
 2 ORIGIN_KIND_DECLARED_UNKNOWN
 3 ORIGIN_KIND_SCRAP_COLLECTION
OutputRole
 0 OUTPUT_ROLE_UNSPECIFIED
 1 OUTPUT_ROLE_PRODUCT
 2 OUTPUT_ROLE_BY_PRODUCT
 3 OUTPUT_ROLE_RESIDUE
Process
 0 PROCESS_UNSPECIFIED
 1 PROCESS_CRUSHING
 2 PROCESS_CONCENTRATING
 3 PROCESS_SMELTING
 4 PROCESS_REFINING
 5 PROCESS_REDUCTION
 6 PROCESS_BLENDING
 7 PROCESS_SPLITTING
 8 PROCESS_SINTERING
 9 PROCESS_BONDING
 10 PROCESS_MACHINING
 11 PROCESS_ASSEMBLING
 12 PROCESS_RECYCLING
RecyclingClass
 0 RECYCLING_CLASS_UNSPECIFIED
 1 RECYCLING_CLASS_INTERNAL
 2 RECYCLING_CLASS_PRE_CONSUMER
 3 RECYCLING_CLASS_POST_CONSUMER
Role
 0 ROLE_UNSPECIFIED
 1 ROLE_MINER
 2 ROLE_TRADER
 3 ROLE_CONCENTRATOR
 4 ROLE_REFINER
 5 ROLE_MANUFACTURER
 6 ROLE_RECYCLER
 7 ROLE_LABORATORY
 8 ROLE_CARRIER
 9 ROLE_CERTIFIER
 10 ROLE_AUDITOR
 11 ROLE_AUTHORITY
Route
 0 ROUTE_UNSPECIFIED
 1 ROUTE_PRIMARY
 2 ROUTE_PRE_CONSUMER
 3 ROUTE_POST_CONSUMER
SealAction
 0 SEAL_ACTION_UNSPECIFIED
 1 SEAL_ACTION_APPLIED
 2 SEAL_ACTION_CHECKED
 3 SEAL_ACTION_BROKEN
 4 SEAL_ACTION_VOIDED
SealState
 0 SEAL_STATE_UNSPECIFIED
 1 SEAL_STATE_INTACT
 2 SEAL_STATE_BROKEN
 3 SEAL_STATE_DIFFERENT
 4 SEAL_STATE_ABSENT
ShipPurpose
 0 SHIP_PURPOSE_UNSPECIFIED
 1 SHIP_PURPOSE_SALE
 2 SHIP_PURPOSE_TOLLING
 3 SHIP_PURPOSE_RETURN
 4 SHIP_PURPOSE_RECALL
TransferKind
 0 TRANSFER_KIND_UNSPECIFIED
 1 TRANSFER_KIND_CUSTODY
 2 TRANSFER_KIND_OWNERSHIP
 3 TRANSFER_KIND_CUSTODY_AND_OWNERSHIP
TransportMode
 0 TRANSPORT_MODE_UNSPECIFIED
 1 TRANSPORT_MODE_ROAD
 2 TRANSPORT_MODE_RAIL
 3 TRANSPORT_MODE_SEA
 4 TRANSPORT_MODE_AIR
 5 TRANSPORT_MODE_INLAND_WATER
WithdrawReason
 0 WITHDRAW_REASON_UNSPECIFIED
 1 WITHDRAW_REASON_DID_NOT_OCCUR
 2 WITHDRAW_REASON_INCORRECT_DATA
`;

function sections(text) {
  const found = new Map();
  let lines = [];
  for (const line of text.trim().split("\n")) {
    if (line.startsWith(" ")) lines.push(line.slice(1).split(" "));
    else found.set(line, (lines = []));
  }
  return found;
}

/** Names of an enum's values by number, by the enum's name. */
export const ENUMS = Object.fromEntries(
  [...sections(ENUM_TEXT)].map(([name, values]) => [name, new Map(values.map(([number, value]) => [Number(number), value]))]),
);

const NUMBERS = new Set(["uint32", "uint64", "sint32", "bool"]);
const LONG = new Set(["string", "bytes"]);

function field([, name, kind, how]) {
  const message = !(NUMBERS.has(kind) || LONG.has(kind) || kind in ENUMS) ? kind : null;
  const long = message !== null || LONG.has(kind);
  const repeated = how === "repeated";
  return { name, kind, message, long, repeated, packed: repeated && !long, oneof: how === "oneof" };
}

/** Fields by number, by the message's name. */
export const MESSAGES = Object.fromEntries(
  [...sections(MESSAGE_TEXT)].map(([name, fields]) => [name, new Map(fields.map((row) => [Number(row[0]), field(row)]))]),
);
