//! Plots of figures as SVG files.

use std::path::Path;

use plotters::prelude::*;

use crate::exit::{Fault, Outcome};

const SIZE: (u32, u32) = (720, 400);
const COLOURS: [RGBColor; 5] = [
    RGBColor(0x2f, 0x6f, 0xb3),
    RGBColor(0xc2, 0x5b, 0x2e),
    RGBColor(0x3f, 0x8f, 0x4f),
    RGBColor(0x8a, 0x55, 0xa3),
    RGBColor(0x6b, 0x6b, 0x6b),
];

/// A line through points, with its name.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What a plot says beside its lines.
pub(crate) struct Texts<'a> {
    pub(crate) title: &'a str,
    pub(crate) x: &'a str,
    pub(crate) y: &'a str,
}

/// Draws lines from zero on.
pub(crate) fn lines(path: &Path, texts: &Texts<'_>, series: &[Series]) -> Outcome {
    let most = |part: fn(&(f64, f64)) -> f64| {
        series.iter().flat_map(|series| &series.points).map(part).fold(1.0, f64::max)
    };
    let (x_max, y_max) = (most(|point| point.0), most(|point| point.1) * 1.08);
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    let draw = || -> Result<(), Box<dyn std::error::Error + '_>> {
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(texts.title, ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..x_max, 0.0..y_max)?;
        chart.configure_mesh().x_desc(texts.x).y_desc(texts.y).light_line_style(WHITE).draw()?;
        for (series, colour) in series.iter().zip(COLOURS.iter().cycle()) {
            let style = colour.stroke_width(2);
            chart
                .draw_series(LineSeries::new(series.points.iter().copied(), style).point_size(3))?
                .label(&series.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(0xcc, 0xcc, 0xcc))
            .draw()?;
        root.present()?;
        Ok(())
    };
    draw().map_err(|error| Fault::failed(format!("{}: {error}", path.display())))
}
