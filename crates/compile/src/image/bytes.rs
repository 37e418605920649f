//! Images as bytes: counts and numbers of 32 bits, the lowest byte first.

use super::Image;

impl Image {
    /// The bytes of a linked image with this code.
    pub fn to_bytes(&self, code: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(code.len() * 2);
        let number = |out: &mut Vec<u8>, n: u32| out.extend(n.to_le_bytes());
        number(&mut out, code.len() as u32);
        out.extend(code);
        number(&mut out, self.bodies.len() as u32);
        self.bodies.iter().for_each(|&at| number(&mut out, at));
        let entries: Vec<_> = self.entries.iter().map(|(&ty, &at)| (ty, at)).collect();
        let traps: Vec<_> = self.traps.iter().map(|&(at, code)| (at, code.into())).collect();
        for pairs in [&entries, &self.ranges, &traps, &self.offsets] {
            number(&mut out, pairs.len() as u32);
            pairs.iter().for_each(|&(a, b)| {
                number(&mut out, a);
                number(&mut out, b);
            });
        }
        out
    }

    /// The image with these bytes; `None` if they are not those of one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Image> {
        let mut reader = Reader(bytes);
        let len = reader.number()? as usize;
        let code = reader.take(len)?.to_vec();
        let count = reader.count(4)?;
        let bodies = (0..count).map(|_| reader.number()).collect::<Option<Vec<u32>>>()?;
        let [entries, ranges, traps, offsets] =
            [reader.pairs()?, reader.pairs()?, reader.pairs()?, reader.pairs()?];
        let inside = |&at: &u32| (at as usize) < code.len();
        let sorted = |pairs: &[(u32, u32)]| pairs.is_sorted_by_key(|&(at, _)| at);
        let sound = reader.0.is_empty()
            && bodies.iter().all(|at| *at == u32::MAX || inside(at))
            && entries.iter().all(|(_, at)| inside(at))
            && [&ranges, &traps, &offsets].into_iter().all(|pairs| sorted(pairs))
            && ranges.iter().all(|&(_, body)| body == u32::MAX || (body as usize) < bodies.len())
            && traps.iter().all(|&(_, code)| code <= u8::MAX.into());
        sound.then(|| Image {
            code,
            bodies,
            entries: entries.into_iter().collect(),
            ranges,
            traps: traps.into_iter().map(|(at, code)| (at, code as u8)).collect(),
            offsets,
            ..Image::new(0)
        })
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A count of things that take so many bytes each, all of which are there.
    fn count(&mut self, size: usize) -> Option<usize> {
        let count = self.number()? as usize;
        (count <= self.0.len() / size).then_some(count)
    }

    fn pairs(&mut self) -> Option<Vec<(u32, u32)>> {
        let count = self.count(8)?;
        (0..count).map(|_| Some((self.number()?, self.number()?))).collect()
    }
}
