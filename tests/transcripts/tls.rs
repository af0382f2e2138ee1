//! As much of the TLS presentation language as it takes to read leaves and extensions (RFC 9420 §2, §7.2),
//! written apart from the library that the code under test uses.

/// Bytes still to be read.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (head, tail) = self.0.split_at(count);
        self.0 = tail;
        head
    }

    pub(crate) fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(crate) fn u16(&mut self) -> String {
        hex::encode(self.take(2))
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take(8).try_into().expect("eight bytes"))
    }

    /// A vector with a length of one, two or four bytes in front.
    pub(crate) fn vector(&mut self) -> &'a [u8] {
        let first = self.0[0];
        let size = 1 << (first >> 6);
        let length = self
            .take(size)
            .iter()
            .fold(0usize, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(length & ((1 << (8 * size - 2)) - 1))
    }

    fn list(&mut self) -> Vec<String> {
        let mut inner = Reader(self.vector());
        let mut list = Vec::new();
        while !inner.0.is_empty() {
            list.push(inner.u16());
        }
        list
    }

    /// Number and body of each extension.
    pub(crate) fn extensions(&mut self) -> Vec<(String, Vec<u8>)> {
        let mut inner = Reader(self.vector());
        let mut list = Vec::new();
        while !inner.0.is_empty() {
            list.push((inner.u16(), inner.vector().to_vec()));
        }
        list
    }
}

/// A LeafNode, without its signature.
#[derive(Debug)]
pub(crate) struct Leaf {
    pub(crate) signature_key: Vec<u8>,
    pub(crate) identity: Vec<u8>,
    pub(crate) versions: Vec<String>,
    pub(crate) ciphersuites: Vec<String>,
    pub(crate) extensions: Vec<String>,
    pub(crate) proposals: Vec<String>,
    pub(crate) credentials: Vec<String>,
    pub(crate) source: &'static str,
    pub(crate) lifetime: Option<(u64, u64)>,
    pub(crate) leaf_extensions: Vec<(String, Vec<u8>)>,
}

impl Leaf {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let _encryption_key = reader.vector();
        let signature_key = reader.vector().to_vec();
        assert_eq!(reader.u16(), "0001", "a Basic credential");
        let identity = reader.vector().to_vec();
        let versions = reader.list();
        let ciphersuites = reader.list();
        let extensions = reader.list();
        let proposals = reader.list();
        let credentials = reader.list();
        let mut lifetime = None;
        let source = match reader.u8() {
            1 => {
                lifetime = Some((reader.u64(), reader.u64()));
                "KeyPackage"
            }
            2 => "Update",
            _ => {
                reader.vector();
                "Commit"
            }
        };
        let leaf_extensions = reader.extensions();
        reader.vector();
        Self {
            signature_key,
            identity,
            versions,
            ciphersuites,
            extensions,
            proposals,
            credentials,
            source,
            lifetime,
            leaf_extensions,
        }
    }

    /// The leaves of a ratchet tree (RFC 9420 §12.4.3.3).
    pub(crate) fn of_tree(tree: &[u8]) -> Vec<Self> {
        let mut nodes = Reader(Reader(tree).vector());
        let mut leaves = Vec::new();
        while !nodes.0.is_empty() {
            if nodes.u8() == 0 {
                continue;
            }
            if nodes.u8() == 1 {
                leaves.push(Self::read(&mut nodes));
            } else {
                nodes.vector();
                nodes.vector();
                nodes.vector();
            }
        }
        leaves
    }
}

/// A KeyPackage.
#[derive(Debug)]
pub(crate) struct KeyPackage {
    pub(crate) version: String,
    pub(crate) ciphersuite: String,
    pub(crate) init_key: Vec<u8>,
    pub(crate) leaf: Leaf,
    pub(crate) extensions: Vec<(String, Vec<u8>)>,
}

impl KeyPackage {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let package = Self {
            version: reader.u16(),
            ciphersuite: reader.u16(),
            init_key: reader.vector().to_vec(),
            leaf: Leaf::read(&mut reader),
            extensions: reader.extensions(),
        };
        reader.vector();
        assert!(reader.0.is_empty(), "nothing is left over");
        package
    }
}
