export const pressures = [];
export const pressureReport = async () => [];
