# Copyright (c) 2026 The centos.hyperscale maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sections and options that networkd and udev know in their files, by the release that was first seen to know them.

Read from the tables in the daemons themselves: 'strings -n 4' of systemd-networkd and udevadm of the releases in L(SEEN),
lines of the form C(Section.Option).
"""

from __future__ import annotations

# Releases whose daemons were read, oldest first. Nothing older is on a supported host.
SEEN = (252, 254, 257, 262)

# Kind of file, section, release, options.
OPTIONS: dict[str, dict[str, dict[int, str]]] = {
    "network": {
        "Address": {
            252: (
                "AddPrefixRoute Address AutoJoin Broadcast DuplicateAddressDetection HomeAddress Label "
                "ManageTemporaryAddress NetLabel Peer PreferredLifetime PrefixRoute RouteMetric Scope"),
            257: "NFTSet",
        },
        "BFIFO": {
            252: "Handle LimitBytes Parent",
        },
        "BandMultiQueueing": {
            257: "Handle Parent",
        },
        "Bridge": {
            252: (
                "AllowPortToBeRoot Cost FastLeave HairPin Isolated Learning MulticastFlood MulticastRouter "
                "MulticastToUnicast NeighborSuppression Priority ProxyARP ProxyARPWiFi UnicastFlood UseBPDU"),
            262: "LinkLocalLearning Locked MACAuthenticationBypass VLANTunnel",
        },
        "BridgeFDB": {
            252: "AssociatedWith Destination MACAddress OutgoingInterface VLANId VNI",
        },
        "BridgeMDB": {
            252: "MulticastGroupAddress VLANId",
        },
        "BridgeVLAN": {
            252: "EgressUntagged PVID VLAN",
        },
        "CAKE": {
            252: (
                "AutoRateIngress Bandwidth CompensationMode FirewallMark FlowIsolationMode Handle MPUBytes NAT "
                "OverheadBytes Parent PriorityQueueingPreset SplitGSO UseRawPacketSize Wash"),
            254: "AckFilter RTTSec",
        },
        "CAN": {
            252: (
                "BitRate BusErrorReporting ClassicDataLengthCode DataBitRate DataPhaseBufferSegment1 "
                "DataPhaseBufferSegment2 DataPropagationSegment DataSamplePoint DataSyncJumpWidth DataTimeQuantaNSec "
                "FDMode FDNonISO ListenOnly Loopback OneShot PhaseBufferSegment1 PhaseBufferSegment2 PresumeACK "
                "PropagationSegment RestartSec SamplePoint SyncJumpWidth Termination TimeQuantaNSec TripleSampling"),
        },
        "ClassfulMultiQueueing": {
            257: "Handle Parent",
        },
        "ControlledDelay": {
            252: "CEThresholdSec ECN Handle IntervalSec PacketLimit Parent TargetSec",
        },
        "DHCP": {
            252: (
                "Anonymize ClientIdentifier CriticalConnection DUIDRawData DUIDType ForceDHCPv6PDOtherInformation "
                "Hostname IAID ListenPort RapidCommit RequestBroadcast RouteMetric RouteTable SendHostname UseDNS "
                "UseDomainName UseDomains UseHostname UseMTU UseNTP UseRoutes UseTimezone UserClass VendorClassIdentifier"),
        },
        "DHCPPrefixDelegation": {
            252: "Announce Assign ManageTemporaryAddress NetLabel RouteMetric SubnetId Token UplinkInterface",
            257: "NFTSet",
        },
        "DHCPRelay": {
            262: (
                "AgentAddress CircuitId ExtraOption GatewayAddress InterfacePriority OverrideServerIdentifier RemoteId "
                "ServerAddress VirtualSubnetSelection"),
        },
        "DHCPServer": {
            252: (
                "BindToInterface BootFilename BootServerAddress BootServerName DNS DefaultLeaseTimeSec EmitDNS EmitLPR "
                "EmitNTP EmitPOP3 EmitRouter EmitSIP EmitSMTP EmitTimezone LPR MaxLeaseTimeSec NTP POP3 PoolOffset "
                "PoolSize RelayAgentCircuitId RelayAgentRemoteId RelayTarget Router SIP SMTP SendOption SendVendorOption "
                "ServerAddress Timezone UplinkInterface"),
            257: "IPv6OnlyPreferredSec PersistLeases RapidCommit",
            262: "Domain EmitDomain LocalLeaseDomain",
        },
        "DHCPServerStaticLease": {
            252: "Address MACAddress",
            262: "Hostname",
        },
        "DHCPv4": {
            252: (
                "AllowList Anonymize BlackList ClientIdentifier CriticalConnection DUIDRawData DUIDType DenyList "
                "FallbackLeaseLifetimeSec Hostname IAID IPServiceType Label ListenPort MUDURL MaxAttempts NetLabel "
                "RequestBroadcast RequestOptions RouteMTUBytes RouteMetric RouteTable RoutesToDNS RoutesToNTP SendDecline "
                "SendHostname SendOption SendRelease SendVendorOption Use6RD UseDNS UseDomainName UseDomains UseGateway "
                "UseHostname UseMTU UseNTP UseRoutes UseSIP UseTimezone UserClass VendorClassIdentifier"),
            254: "QuickAck SocketPriority UseCaptivePortal",
            257: (
                "IPv6OnlyMode InitialAdvertisedReceiveWindow InitialCongestionWindow NFTSet RapidCommit RequestAddress "
                "ServerPort UnassignedSubnetPolicy UseDNR"),
            262: "BOOTP",
        },
        "DHCPv6": {
            252: (
                "DUIDRawData DUIDType ForceDHCPv6PDOtherInformation IAID MUDURL NetLabel PrefixDelegationHint RapidCommit "
                "RequestOptions RouteMetric SendOption SendVendorOption UseAddress UseDNS UseDelegatedPrefix UseDomains "
                "UseHostname UseNTP UserClass VendorClass WithoutRA"),
            254: "SendRelease UseCaptivePortal",
            257: "Hostname NFTSet SendHostname UnassignedSubnetPolicy UseDNR",
            262: "RouteTable UseSIP",
        },
        "DHCPv6PrefixDelegation": {
            252: "Announce Assign ManageTemporaryAddress RouteMetric SubnetId Token",
        },
        "DeficitRoundRobinScheduler": {
            252: "Handle Parent",
        },
        "DeficitRoundRobinSchedulerClass": {
            252: "ClassId Parent QuantumBytes",
        },
        "EnhancedTransmissionSelection": {
            252: "Bands Handle Parent PriorityMap QuantumBytes StrictBands",
        },
        "FairQueueing": {
            252: (
                "Buckets CEThresholdSec FlowLimit InitialQuantum InitialQuantumBytes MaximumRate OrphanMask Pacing "
                "PacketLimit Quantum QuantumBytes"),
        },
        "FairQueueingControlledDelay": {
            252: (
                "CEThresholdSec ECN Flows Handle IntervalSec MemoryLimit MemoryLimitBytes PacketLimit Parent Quantum "
                "QuantumBytes TargetSec"),
        },
        "FlowQueuePIE": {
            252: "Handle PacketLimit Parent",
        },
        "GenericRandomEarlyDetection": {
            252: "DefaultVirtualQueue GenericRIO Handle Parent VirtualQueues",
        },
        "HeavyHitterFilter": {
            252: "Handle PacketLimit Parent",
        },
        "HierarchyTokenBucket": {
            252: "DefaultClass Handle Parent RateToQuantum",
        },
        "HierarchyTokenBucketClass": {
            252: "BufferBytes CeilBufferBytes CeilRate ClassId MTUBytes OverheadBytes Parent Priority QuantumBytes Rate",
        },
        "IPoIB": {
            252: "Mode",
        },
        "IPv6AcceptRA": {
            252: (
                "BlackList DHCPv6Client DenyList NetLabel PrefixAllowList PrefixDenyList RouteAllowList RouteDenyList "
                "RouteMetric RouteTable RouterAllowList RouterDenyList Token UseAutonomousPrefix UseDNS UseDomains "
                "UseGateway UseMTU UseOnLinkPrefix UseRoutePrefix"),
            254: "QuickAck UseCaptivePortal",
            257: "NFTSet UseDNR UseHopLimit UseICMP6RateLimit UsePREF64 UseReachableTime UseRedirect UseRetransmissionTime",
        },
        "IPv6AddressLabel": {
            252: "Label Prefix",
        },
        "IPv6PREF64Prefix": {
            257: "LifetimeSec Prefix",
        },
        "IPv6Prefix": {
            252: "AddressAutoconfiguration Assign OnLink PreferredLifetimeSec Prefix RouteMetric Token ValidLifetimeSec",
        },
        "IPv6PrefixDelegation": {
            252: (
                "DNS DNSLifetimeSec Domains EmitDNS EmitDomains Managed OtherInformation RouterLifetimeSec "
                "RouterPreference"),
        },
        "IPv6RoutePrefix": {
            252: "LifetimeSec Route",
            262: "Preference",
        },
        "IPv6SendRA": {
            252: (
                "DNS DNSLifetimeSec Domains EmitDNS EmitDomains Managed OtherInformation RouterLifetimeSec "
                "RouterPreference UplinkInterface"),
            257: "HomeAgent HomeAgentLifetimeSec HomeAgentPreference HopLimit ReachableTimeSec RetransmitSec",
        },
        "LLDP": {
            252: "MUDURL",
        },
        "Link": {
            252: (
                "ARP ActivationPolicy AllMulticast Group MACAddress MTUBytes Multicast Promiscuous "
                "RequiredFamilyForOnline RequiredForOnline Unmanaged"),
        },
        "Match": {
            252: (
                "Architecture BSSID Credential Driver Firmware Host KernelCommandLine KernelVersion Kind MACAddress Name "
                "Path PermanentMACAddress Property SSID Type Virtualization WLANInterfaceType"),
            262: "MachineTag Version",
        },
        "MobileNetwork": {
            262: (
                "APN AllowRoaming AllowedAuthenticationMechanisms IPFamily OperatorId PIN Password RouteMetric UseGateway "
                "User"),
        },
        "Neighbor": {
            252: "Address LinkLayerAddress MACAddress",
        },
        "Network": {
            252: (
                "ActiveSlave Address BatmanAdvanced BindCarrier Bond Bridge ConfigureWithoutCarrier DHCP "
                "DHCPPrefixDelegation DHCPServer DHCPv6PrefixDelegation DNS DNSDefaultRoute DNSOverTLS DNSSEC "
                "DNSSECNegativeTrustAnchors DefaultRouteOnDevice Description Domains EmitLLDP Gateway IPForward "
                "IPMasquerade IPVLAN IPVTAP IPoIB IPv4AcceptLocal IPv4LL IPv4LLRoute IPv4LLStartAddress IPv4ProxyARP "
                "IPv4RouteLocalnet IPv6AcceptRA IPv6AcceptRouterAdvertisements IPv6DuplicateAddressDetection IPv6HopLimit "
                "IPv6LinkLocalAddressGenerationMode IPv6MTUBytes IPv6PrefixDelegation IPv6PrivacyExtensions IPv6ProxyNDP "
                "IPv6ProxyNDPAddress IPv6SendRA IPv6StableSecretAddress IPv6Token IgnoreCarrierLoss KeepConfiguration "
                "KeepMaster L2TP LLDP LLMNR LinkLocalAddressing MACVLAN MACVTAP MACsec MulticastDNS NTP PrimarySlave "
                "ProxyARP Tunnel VLAN VRF VXLAN Xfrm"),
            257: (
                "IPv4Forwarding IPv4ProxyARPPrivateVLAN IPv4ReversePathFilter IPv6Forwarding IPv6RetransmissionTimeSec "
                "MulticastIGMPVersion UseDomains"),
            262: "DHCPRelay IPv4DuplicateAddressDetectionTimeoutSec IPv4SrcValidMark MPLSRouting ProxyNeighbor",
        },
        "NetworkEmulator": {
            252: "DelayJitterSec DelaySec DuplicateRate Handle LossRate PacketLimit Parent",
        },
        "NextHop": {
            252: "Blackhole Family Gateway Group Id OnLink",
        },
        "PFIFO": {
            252: "Handle PacketLimit Parent",
        },
        "PFIFOFast": {
            252: "Handle Parent",
        },
        "PFIFOHeadDrop": {
            252: "Handle PacketLimit Parent",
        },
        "QDisc": {
            252: "Handle Parent",
        },
        "QuickFairQueueing": {
            252: "Handle Parent",
        },
        "QuickFairQueueingClass": {
            252: "ClassId MaxPacketBytes Parent Weight",
        },
        "Route": {
            252: (
                "Destination FastOpenNoCookie Gateway GatewayOnLink GatewayOnlink IPv6Preference "
                "InitialAdvertisedReceiveWindow InitialCongestionWindow MTUBytes Metric MultiPathRoute NextHop "
                "PreferredSource Protocol QuickAck Scope Source TCPAdvertisedMaximumSegmentSize "
                "TCPCongestionControlAlgorithm TTLPropagate Table Type"),
            257: "HopLimit TCPRetransmissionTimeoutSec",
        },
        "RoutingPolicyRule": {
            252: (
                "DestinationPort Family FirewallMark From IPProtocol IncomingInterface InvertRule OutgoingInterface "
                "Priority SourcePort SuppressInterfaceGroup SuppressPrefixLength Table To Type TypeOfService User"),
            257: "GoTo L3MasterDevice",
        },
        "StochasticFairBlue": {
            252: "Handle PacketLimit Parent",
        },
        "StochasticFairnessQueueing": {
            252: "Handle Parent PerturbPeriodSec",
        },
        "TokenBucketFilter": {
            252: "Burst BurstBytes Handle LatencySec LimitBytes LimitSize MPUBytes MTUBytes Parent PeakRate Rate",
        },
        "TrafficControlQueueingDiscipline": {
            252: (
                "NetworkEmulatorDelayJitterSec NetworkEmulatorDelaySec NetworkEmulatorDuplicateRate "
                "NetworkEmulatorLossRate NetworkEmulatorPacketLimit Parent"),
        },
        "TrivialLinkEqualizer": {
            252: "Handle Id Parent",
        },
    },
    "netdev": {
        "BareUDP": {
            252: "DestinationPort EtherType",
            257: "MinSourcePort",
        },
        "BatmanAdvanced": {
            252: (
                "Aggregation BridgeLoopAvoidance DistributedArpTable Fragmentation GatewayBandwidthDown "
                "GatewayBandwidthUp GatewayBandwithDown GatewayBandwithUp GatewayMode HopPenalty OriginatorIntervalSec "
                "RoutingAlgorithm"),
        },
        "Bond": {
            252: (
                "ARPAllTargets ARPIPTargets ARPIntervalSec ARPValidate AdActorSystem AdActorSystemPriority AdSelect "
                "AdUserPortKey AllSlavesActive DownDelaySec DynamicTransmitLoadBalancing FailOverMACPolicy GratuitousARP "
                "LACPTransmitRate LearnPacketIntervalSec MIIMonitorSec MinLinks Mode PacketsPerSlave "
                "PrimaryReselectPolicy ResendIGMP TransmitHashPolicy UpDelaySec"),
            257: "ARPMissedMax PeerNotifyDelaySec",
        },
        "Bridge": {
            252: (
                "AgeingTimeSec DefaultPVID ForwardDelaySec GroupForwardMask HelloTimeSec MaxAgeSec MulticastIGMPVersion "
                "MulticastQuerier MulticastSnooping Priority STP VLANFiltering VLANProtocol"),
            257: "FDBMaxLearned",
        },
        "FooOverUDP": {
            252: "Encapsulation Local Peer PeerPort Port Protocol",
        },
        "GENEVE": {
            252: (
                "DestinationPort FlowLabel IPDoNotFragment Id Remote TOS TTL UDP6ZeroCheckSumRx UDP6ZeroCheckSumTx "
                "UDP6ZeroChecksumRx UDP6ZeroChecksumTx UDPChecksum"),
            254: "InheritInnerProtocol",
        },
        "HSR": {
            262: "Ports Protocol Supervision",
        },
        "IPVLAN": {
            252: "Flags Mode",
        },
        "IPVTAP": {
            252: "Flags Mode",
        },
        "IPoIB": {
            252: "IgnoreUserspaceMulticastGroups Mode PartitionKey",
        },
        "L2TP": {
            252: (
                "EncapsulationType Local PeerTunnelId Remote TunnelId UDP6CheckSumRx UDP6CheckSumTx UDPCheckSum "
                "UDPDestinationPort UDPSourcePort"),
            262: "UDP6ChecksumRx UDP6ChecksumTx UDPChecksum",
        },
        "L2TPSession": {
            252: "Layer2SpecificHeader Name PeerSessionId SessionId",
        },
        "MACVLAN": {
            252: "BroadcastMulticastQueueLength Mode SourceMACAddress",
            257: "BroadcastQueueThreshold",
        },
        "MACVTAP": {
            252: "Mode SourceMACAddress",
        },
        "MACsec": {
            252: "Encrypt Port",
        },
        "MACsecReceiveAssociation": {
            252: "Activate Key KeyFile KeyId MACAddress PacketNumber Port",
        },
        "MACsecReceiveChannel": {
            252: "MACAddress Port",
        },
        "MACsecTransmitAssociation": {
            252: "Activate Key KeyFile KeyId PacketNumber UseForEncoding",
        },
        "Match": {
            252: "Architecture Credential Firmware Host KernelCommandLine KernelVersion Virtualization",
            262: "Version",
        },
        "NetDev": {
            252: "Description Kind MACAddress MTUBytes Name",
        },
        "Peer": {
            252: "MACAddress Name",
        },
        "Tap": {
            252: "Group KeepCarrier MultiQueue OneQueue PacketInfo User VNetHeader",
        },
        "Tun": {
            252: "Group KeepCarrier MultiQueue OneQueue PacketInfo User VNetHeader",
        },
        "Tunnel": {
            252: (
                "AllowLocalRemote AssignToLoopback CopyDSCP DiscoverPathMTU ERSPANDirection ERSPANHardwareId ERSPANIndex "
                "ERSPANVersion Encapsulation EncapsulationLimit External FOUDestinationPort FOUSourcePort FooOverUDP "
                "IPv6FlowLabel IPv6RapidDeploymentPrefix ISATAP Independent InputKey Key Local Mode OutputKey Remote "
                "SerializeTunneledPackets TOS TTL"),
            254: "IgnoreDontFragment",
        },
        "VLAN": {
            252: "EgressQOSMaps GVRP Id IngressQOSMaps LooseBinding MVRP Protocol ReorderHeader",
        },
        "VRF": {
            252: "Table TableId",
        },
        "VXCAN": {
            252: "Peer",
        },
        "VXLAN": {
            252: (
                "ARPProxy DestinationPort FDBAgeingSec FlowLabel GenericProtocolExtension Group GroupPolicyExtension "
                "IPDoNotFragment Id Independent L2MissNotification L3MissNotification Local MacLearning MaximumFDBEntries "
                "PortRange ReduceARPProxy Remote RemoteChecksumRx RemoteChecksumTx RouteShortCircuit TOS TTL "
                "UDP6ZeroCheckSumRx UDP6ZeroCheckSumTx UDP6ZeroChecksumRx UDP6ZeroChecksumTx UDPCheckSum UDPChecksum VNI"),
            262: "External VNIFilter",
        },
        "WLAN": {
            252: "PhysicalDevice Type WDS",
        },
        "WireGuard": {
            252: "FirewallMark FwMark ListenPort PrivateKey PrivateKeyFile RouteMetric RouteTable",
        },
        "WireGuardPeer": {
            252: "AllowedIPs Endpoint PersistentKeepalive PresharedKey PresharedKeyFile PublicKey RouteMetric RouteTable",
            257: "PublicKeyFile",
        },
        "Xfrm": {
            252: "Independent InterfaceId",
        },
    },
    "link": {
        "EnergyEfficientEthernet": {
            262: "Enable LinkMode TxLowPowerIdle TxLowPowerIdleSec",
        },
        "Link": {
            252: (
                "Advertise Alias AlternativeName AlternativeNamesPolicy AutoNegotiation AutoNegotiationFlowControl "
                "BitsPerSecond CoalescePacketRateHigh CoalescePacketRateLow CoalescePacketRateSampleIntervalSec "
                "CombinedChannels Description Duplex GenericReceiveOffload GenericReceiveOffloadHardware "
                "GenericSegmentOffloadMaxBytes GenericSegmentOffloadMaxSegments GenericSegmentationOffload "
                "LargeReceiveOffload MACAddress MACAddressPolicy MDI MTUBytes NTupleFilter Name NamePolicy OtherChannels "
                "Port ReceiveChecksumOffload ReceiveQueues ReceiveVLANCTAGFilter ReceiveVLANCTAGHardwareAcceleration "
                "RxBufferSize RxChannels RxCoalesceHighSec RxCoalesceIrqSec RxCoalesceLowSec RxCoalesceSec RxFlowControl "
                "RxJumboBufferSize RxMaxCoalescedFrames RxMaxCoalescedHighFrames RxMaxCoalescedIrqFrames "
                "RxMaxCoalescedLowFrames RxMiniBufferSize StatisticsBlockCoalesceSec TCP6SegmentationOffload "
                "TCPSegmentationOffload TransmitChecksumOffload TransmitQueueLength TransmitQueues "
                "TransmitVLANCTAGHardwareAcceleration TransmitVLANSTAGHardwareAcceleration TxBufferSize TxChannels "
                "TxCoalesceHighSec TxCoalesceIrqSec TxCoalesceLowSec TxCoalesceSec TxFlowControl TxMaxCoalescedFrames "
                "TxMaxCoalescedHighFrames TxMaxCoalescedIrqFrames TxMaxCoalescedLowFrames UDPSegmentationOffload "
                "UseAdaptiveRxCoalesce UseAdaptiveTxCoalesce WakeOnLan WakeOnLanPassword"),
            257: "ImportProperty Property ReceivePacketSteeringCPUMask UnsetProperty",
            262: (
                "GenericReceiveOffloadList GenericReceiveOffloadUDPForwarding IRQAffinity IRQAffinityNUMA "
                "IRQAffinityPolicy PartialGenericSegmentationOffload ReceiveAll ReceiveFCS ScatterGather "
                "ScatterGatherFragmentList TCPECNSegmentationOffload TCPMangleIdSegmentationOffload"),
        },
        "Match": {
            252: (
                "Architecture Credential Driver Firmware Host KernelCommandLine KernelVersion Kind MACAddress "
                "OriginalName Path PermanentMACAddress Property Type Virtualization"),
            262: "MachineTag Version",
        },
        "SR-IOV": {
            252: (
                "LinkState MACAddress MACSpoofCheck QualityOfService QueryReceiveSideScaling Trust VLANId VLANProtocol "
                "VirtualFunction"),
        },
    },
}
