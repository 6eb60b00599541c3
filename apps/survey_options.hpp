#pragma once

#include "config/options.hpp"
#include "simulate/mock_survey.hpp"

namespace tessera::apps {

/// Options of the mock surveys that networks are trained and tested on.
[[nodiscard]] config::Group survey_options(const std::string& density);

/// Checks every option of survey_options().
[[nodiscard]] simulate::SurveyPrior survey_prior(const config::Values& values);

}  // namespace tessera::apps
