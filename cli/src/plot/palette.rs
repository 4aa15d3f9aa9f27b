//! Colours that are told apart by everybody (Okabe and Ito 2008), and by their dashes and markers without colour; and for
//! areas a scale whose lightness rises evenly (cividis: Nuñez, Anderton and Renslow 2018).

use super::scene::Colour;

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Its colour.
    pub colour: Colour,
    /// Lengths of its dashes; empty: a whole line.
    pub dash: &'static [f64],
    /// The shape at its points.
    pub marker: Marker,
}

/// The shape at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marker {
    /// None.
    None,
    /// A filled circle.
    Circle,
    /// A filled square.
    Square,
    /// A filled triangle.
    Triangle,
    /// A filled square on its corner.
    Diamond,
    /// Two strokes.
    Cross,
    /// A circle that is not filled.
    Ring,
}

/// Text, axes.
pub const INK: Colour = [34, 34, 34];
/// Lines of reference.
pub const GREY: Colour = [110, 110, 110];
/// The grid.
pub const PALE: Colour = [225, 225, 225];
/// The ground.
pub const PAPER: Colour = [255, 255, 255];

const BLUE: Colour = [0, 114, 178];
const VERMILION: Colour = [213, 94, 0];
const GREEN: Colour = [0, 158, 115];
const PURPLE: Colour = [204, 121, 167];
const SKY: Colour = [86, 180, 233];
const ORANGE: Colour = [230, 159, 0];

const DASHED: &[f64] = &[7.0, 3.0];
const DOTTED: &[f64] = &[1.6, 2.6];
const BROKEN: &[f64] = &[9.0, 3.0, 1.8, 3.0];
const SHORT: &[f64] = &[4.0, 2.4];
const LONG: &[f64] = &[13.0, 4.0];

/// The most series that one panel tells apart.
pub const MOST: usize = STYLES.len();

/// Series in their order.
pub const STYLES: [Style; 6] = [
    Style { colour: BLUE, dash: &[], marker: Marker::Circle },
    Style { colour: VERMILION, dash: DASHED, marker: Marker::Square },
    Style { colour: GREEN, dash: BROKEN, marker: Marker::Triangle },
    Style { colour: PURPLE, dash: SHORT, marker: Marker::Diamond },
    Style { colour: ORANGE, dash: LONG, marker: Marker::Ring },
    Style { colour: SKY, dash: DOTTED, marker: Marker::Cross },
];

/// A line of reference.
pub const REFERENCE: Style = Style { colour: GREY, dash: DASHED, marker: Marker::None };
/// Another one beside it.
pub const OTHER_REFERENCE: Style = Style { colour: GREY, dash: DOTTED, marker: Marker::None };
/// A third one.
pub const THIRD_REFERENCE: Style = Style { colour: GREY, dash: BROKEN, marker: Marker::None };

/// Grounds of stretches of an axis, light enough for lines above them, and of different lightness.
pub const GROUNDS: [Colour; 5] = [[250, 240, 215], [226, 238, 249], [222, 222, 222], [205, 232, 222], [240, 222, 233]];

/// Cividis at sixteenths.
const CIVIDIS: [Colour; 17] = [
    [0, 34, 78],
    [0, 45, 107],
    [27, 57, 109],
    [48, 69, 108],
    [66, 80, 108],
    [81, 91, 109],
    [95, 103, 112],
    [109, 114, 117],
    [124, 123, 120],
    [138, 134, 120],
    [153, 146, 117],
    [169, 158, 112],
    [186, 171, 105],
    [203, 184, 94],
    [220, 198, 80],
    [238, 212, 58],
    [254, 232, 56],
];

/// The colour of a part of a range, 0 to 1.
pub fn shade(part: f64) -> Colour {
    let place = part.clamp(0.0, 1.0) * (CIVIDIS.len() - 1) as f64;
    let low = (place as usize).min(CIVIDIS.len() - 2);
    let [a, b] = [CIVIDIS[low], CIVIDIS[low + 1]];
    std::array::from_fn(|k| (f64::from(b[k]) - f64::from(a[k])).mul_add(place - low as f64, a[k].into()).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_rise_in_lightness() {
        let light = |c: Colour| 0.2126 * f64::from(c[0]) + 0.7152 * f64::from(c[1]) + 0.0722 * f64::from(c[2]);
        let lights: Vec<f64> = (0..=32).map(|k| light(shade(f64::from(k) / 32.0))).collect();
        assert!(lights.windows(2).all(|w| w[0] < w[1]), "{lights:?}");
        assert_eq!((shade(-1.0), shade(2.0)), (CIVIDIS[0], CIVIDIS[16]));
    }

    #[test]
    fn series_differ_without_colour() {
        for (k, a) in STYLES.iter().enumerate() {
            assert!(STYLES[..k].iter().all(|b| a.marker != b.marker && a.dash != b.dash));
        }
    }
}
