//! The methods of the traits of storage, as they are requested.

macro_rules! methods {
    ($($number:literal = $name:ident,)*) => {
        /// A method of a backend.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(super) enum Method {
            $($name = $number,)*
        }

        impl Method {
            /// The method of a number.
            pub(super) fn of(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

methods! {
    1 = State,
    2 = Append,
    3 = Seal,
    4 = Read,
    5 = ReadHeaders,
    6 = Timelines,
    7 = Prune,
    8 = Prunable,
    9 = Usage,
    10 = DropTimeline,
    11 = Droppable,
    20 = GetRef,
    21 = ListRefs,
    22 = CompareAndSet,
    23 = ChangeTogether,
    30 = PutChunk,
    31 = GetChunk,
    32 = MissingChunks,
    33 = PutManifest,
    34 = LatestManifest,
    35 = ListSnapshots,
    36 = RemoveManifest,
    37 = SweepChunks,
    40 = Get,
    41 = GetMany,
    42 = Stamps,
    43 = Scan,
    44 = History,
    50 = Builds,
    51 = ReserveBuilds,
    52 = BeginBuild,
    53 = FillBuild,
    54 = CompleteBuild,
    55 = CloseBuild,
    56 = ScanEntries,
    57 = Holders,
    58 = MissingEntries,
    59 = StoredEntries,
    70 = StoredBytes,
    71 = Compact,
    72 = Verify,
    73 = OpenStates,
}

impl Method {
    /// Whether a request may change the store, so that the outcome of one without an answer is unknown.
    pub(super) fn writes(self) -> bool {
        matches!(
            self,
            Self::Append
                | Self::Seal
                | Self::Prune
                | Self::DropTimeline
                | Self::CompareAndSet
                | Self::ChangeTogether
                | Self::PutChunk
                | Self::PutManifest
                | Self::RemoveManifest
                | Self::SweepChunks
                | Self::ReserveBuilds
                | Self::BeginBuild
                | Self::FillBuild
                | Self::CompleteBuild
                | Self::CloseBuild
                | Self::Compact
        )
    }
}
