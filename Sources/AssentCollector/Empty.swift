import AssentCore
