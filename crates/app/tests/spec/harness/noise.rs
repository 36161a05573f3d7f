//! Contents that do not pack well, the same each time.

/// Text of so many bytes.
pub fn noise(bytes: usize) -> String {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + (state >> 57) as u8 % 95)
    };
    (0..bytes).map(|_| next()).collect()
}
