// For `npm run lint`: relative links of the documentation, and the headings that they name, must be there.
import validateLinks from 'remark-validate-links';

export default { plugins: [[validateLinks, { repository: false }]] };
